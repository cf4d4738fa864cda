import { join } from "node:path";
import { findGguf } from "../checkpoint/files/gguf.ts";
import { readJsonFile } from "../checkpoint/files/json.ts";
import { readText } from "../checkpoint/files/read.ts";
import { kindOfPath } from "../checkpoint/files/system.ts";
import { places } from "../checkpoint/places.ts";
import { Problem, quotePath } from "../checkpoint/problem.ts";
import type { LowerOptions } from "../lower/lower.ts";
import type { ResolveUse } from "../lower/names/modules.ts";
import type { Source } from "../support/source.ts";
import { parseSettings } from "./arguments.ts";
import type { OptionSpec } from "./command.ts";
import { besides, isWithin, leadsOut, projectOf, realPath } from "./project.ts";
import { ggufConfig } from "./run/gguf.ts";
import { orStop, stop } from "./stop.ts";

/** Options of every command that reads a model. */
export interface ModelOptions {
  readonly model?: string;
  readonly set?: readonly string[];
  readonly config?: string;
  readonly ignoreConfig?: readonly string[];
  readonly allowOutside?: true;
  readonly output?: readonly string[];
  /** Commander's form of `--no-fuse`. */
  readonly fuse?: boolean;
  readonly checkPasses?: true;
}

export const modelArgument = { name: "<model.lmg>", description: "the file of the model" };

export const modelOrRunArgument = {
  name: "<model.lmg>",
  description:
    "the file of the model, a folder that lmg train wrote, or a published checkpoint (its folder or .gguf file)",
};

export const modelOptions: readonly OptionSpec[] = [
  { flags: "--model <name>", description: "which model of the file, if it has several" },
  {
    flags: "--set <name=value>",
    description: "a parameter of the model; may stand several times",
    repeated: true,
  },
  {
    flags: "--config <path>",
    description: "parameters from a published config.json, the folder that has it, or a .gguf file",
  },
  {
    flags: "--ignore-config <key>",
    description: "a key of the config to pass over, with `*`; may stand several times",
    repeated: true,
  },
  {
    flags: "--allow-outside",
    description: "the model may name files outside of its project, with `use` and `data`",
  },
];

/** For commands that make something of a model, by which outputs are left out; `lmg run` says more of it. */
export const outputOption: OptionSpec = {
  flags: "--output <name>",
  description:
    "an output to keep, may stand several times; what no kept output needs is left out, weights too",
  repeated: true,
};

export const trainOption: OptionSpec = {
  flags: "--train",
  description: "the training step of the model: forward, loss, backward and update",
};

export const passOptions: readonly OptionSpec[] = [
  { flags: "--no-fuse", description: "without the passes that fuse several steps into one" },
  {
    flags: "--check-passes",
    description: "interpret before and after each pass, and name the first that differs",
  },
];

/** What stands for standard input among the arguments. */
export const STDIN = "-";

/** The text of a model file. */
export function readModelFile(path: string): Source {
  if (path === STDIN)
    stop(
      "E700",
      "cannot read `-`: `lmg train` and `lmg probe` read a model from a file, to which they come back",
      "write the text to a .lmg file first; other commands take `-` for standard input",
    );
  if (kindOfPath(path) === "folder")
    stop("E700", `cannot read ${quotePath(path)}: it is a folder, not a .lmg file`);
  return modelSource(path, orStop(readText(path, places.model)));
}

/** A text that is to be a model, and not what `lmg ir` made of one. */
export function modelSource(name: string, text: string): Source {
  if (/^(?:\s|\/\/.*\n)*graph\s+\w+\s*\{/.test(text.slice(0, 2048)))
    stop(
      "E825",
      `${quotePath(name)} is a graph in lmg's IR, not a model`,
      "name the .lmg file that it was made of; a program reads IR with `readGraph` of the library",
    );
  return { name, text };
}

/** What the command line says of the model at a path, as lowering takes it. `config` wins over `--config`. */
export function lowerOptions(
  path: string,
  options: ModelOptions,
  config = readConfigOption(options),
): LowerOptions {
  return {
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.output === undefined ? {} : { outputs: options.output }),
    settings: orStop(parseSettings(options.set ?? [])),
    resolveUse: useResolver(path, options),
    ...config,
    ...(options.ignoreConfig === undefined ? {} : { ignoreConfig: options.ignoreConfig }),
  };
}

/**
 * Finds the files of `use` lines, beside the file where each stands and within the project of the model. `open` has the texts of
 * files that an editor is changing, by path: they are what counts, not what is on disk.
 */
export function useResolver(
  model: string,
  { allowOutside }: Pick<ModelOptions, "allowOutside">,
  open: (file: string) => Source | undefined = () => undefined,
): ResolveUse {
  const project = projectOf(model);
  return (path, from) => {
    const file = besides(from.name, path);
    // What is looked at is what is read: a link may be changed between the two.
    const real = realPath(file);
    if (allowOutside !== true && !isWithin(project, real)) {
      const { message, help } = leadsOut(path, project);
      return new Problem("E237", message, help);
    }
    const edited = open(real);
    if (edited !== undefined) return edited;
    if (kindOfPath(real) !== "file") return undefined;
    const text = readText(real, places.model);
    return text instanceof Problem ? text : { name: file, text };
  };
}

/** A config.json and its path, as lowering takes them. */
export type ConfigInput = Required<Pick<LowerOptions, "config" | "configName">>;

export const readConfigFile = (path: string): ConfigInput => ({
  config: orStop(readJsonFile(path)),
  configName: path,
});

function readConfigOption({ config: path }: ModelOptions): ConfigInput | undefined {
  if (path === undefined) return undefined;
  const file = kindOfPath(path) === "folder" ? join(path, "config.json") : path;
  const gguf = kindOfPath(file) === "file" && file !== path ? undefined : findGguf(path);
  return gguf === undefined ? readConfigFile(file) : { config: ggufConfig(gguf), configName: gguf };
}
