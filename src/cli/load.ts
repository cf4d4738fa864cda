import { dirname, join } from "node:path";
import { readConfig } from "../checkpoint/config.ts";
import { kindOfPath, readBytes, readText } from "../checkpoint/files.ts";
import type { JsonObject } from "../checkpoint/json.ts";
import { Problem, quotePath } from "../checkpoint/problem.ts";
import { compile, type CompileOptions } from "../compile.ts";
import type { Graph } from "../ir/graph.ts";
import type { LoweredModel } from "../lower/lower.ts";
import type { Remark } from "../passes/pass.ts";
import type { Plan } from "../plan/plan.ts";
import { InternalError } from "../support/invariant.ts";
import type { Source } from "../support/source.ts";
import { parseSettings } from "./arguments.ts";
import type { OptionSpec } from "./command.ts";
import type { Out } from "./out.ts";
import { orStop, showDiagnostics, stop, Stop } from "./stop.ts";

/** Options of every command that reads a model. */
export interface ModelOptions {
  readonly model?: string;
  readonly set?: readonly string[];
  readonly config?: string;
  /** Commander's form of `--no-fuse`. */
  readonly fuse?: boolean;
  readonly checkPasses?: true;
}

export const modelArgument = { name: "<model.lmg>", description: "the file of the model" };

export const modelOptions: readonly OptionSpec[] = [
  { flags: "--model <name>", description: "which model of the file, if it has several" },
  {
    flags: "--set <name=value>",
    description: "a parameter of the model; may stand several times",
    repeated: true,
  },
  {
    flags: "--config <path>",
    description: "parameters from a published config.json, or the folder that has it",
  },
];

export const passOptions: readonly OptionSpec[] = [
  { flags: "--no-fuse", description: "without the passes that fuse several steps into one" },
  {
    flags: "--check-passes",
    description: "interpret before and after each pass, and name the first that differs",
  },
];

/** The text of a model file. */
export function readModelFile(path: string): Source {
  if (kindOfPath(path) === "folder")
    stop("E700", `cannot read ${quotePath(path)}: it is a folder, not a .lmg file`);
  return { name: path, text: orStop(readText(path)) };
}

/** A model without errors, and all that was made of it. */
export interface LoadedModel {
  readonly model: LoweredModel;
  /** The graph after all passes. */
  readonly graph: Graph;
  readonly remarks: readonly Remark[];
  readonly plan: Plan;
}

/** Reads and compiles a model. Its mistakes end the command; warnings are printed and it goes on. */
export async function loadModel(
  path: string,
  options: ModelOptions,
  out: Out,
  more: Partial<CompileOptions> = {},
): Promise<LoadedModel> {
  return await compileSource(readModelFile(path), options, out, more);
}

/** Compiles a text that was read already. `more.config` wins over `--config`: `run` reads that of the checkpoint. */
export async function compileSource(
  source: Source,
  options: ModelOptions,
  out: Out,
  more: Partial<CompileOptions> = {},
): Promise<LoadedModel> {
  const config = more.config ?? readConfigOption(options.config);
  const { diagnostics, model, graph, remarks, plan } = compile(source, {
    ...(options.model === undefined ? {} : { model: options.model }),
    settings: orStop(parseSettings(options.set ?? [])),
    resolveUse,
    fuse: options.fuse ?? true,
    ...more,
    ...(config === undefined ? {} : { config }),
  });
  if (model === undefined || graph === undefined || plan === undefined) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  if (options.checkPasses === true) await requireSamePasses(model.graph, options, out);
  return { model, graph, remarks, plan };
}

/** The file that a `use` line names, beside the file where it stands. */
function resolveUse(path: string, from: Source): Source | undefined {
  const file = join(dirname(from.name), path);
  const text = kindOfPath(file) === "file" ? readText(file) : undefined;
  return text === undefined || text instanceof Problem ? undefined : { name: file, text };
}

function readConfigOption(path: string | undefined): JsonObject | undefined {
  if (path === undefined) return undefined;
  const file = kindOfPath(path) === "folder" ? join(path, "config.json") : path;
  return orStop(readConfig(orStop(readBytes(file)), file));
}

/** A pass that changes what the model computes is a bug of ours. Loaded only when it is asked for. */
async function requireSamePasses(graph: Graph, { fuse = true }: ModelOptions, out: Out): Promise<void> {
  const { checkPasses, showDifference } = await import("../passes/check.ts");
  const difference = checkPasses(graph, { fuse });
  if (difference !== undefined) throw new InternalError(showDifference(difference));
  out.note("every pass keeps what the model computes, on random and on hard inputs\n");
}
