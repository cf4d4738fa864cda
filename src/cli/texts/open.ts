import { join } from "node:path";
import { checkpointFiles } from "../../checkpoint/files/folder.ts";
import { quotePath } from "../../checkpoint/problem.ts";
import type { Switches, TargetName } from "../../emit/targets.ts";
import { parse } from "../../language/parse.ts";
import { lower, type LoweredModel } from "../../lower/lower.ts";
import { configOf, reading, type CheckpointFiles } from "../../run/texts/files.ts";
import type { ReaderOptions } from "../../run/texts/open-reader.ts";
import type { ReadingOptions } from "../../run/texts/reader.ts";
import { isError } from "../../support/diagnostic.ts";
import { parseNumber } from "../arguments.ts";
import type { OptionSpec } from "../command.ts";
import type { Out } from "../out.ts";
import { adapterOption } from "../run/chosen.ts";
import { showLoading } from "../run/loading.ts";
import { publishedModel } from "../run/published.ts";
import { lowerOptions } from "../source.ts";
import { orStop, showDiagnostics, stop, Stop } from "../stop.ts";
import {
  dawnOption,
  defaultTarget,
  engineOptionsOf,
  requireTaken,
  runTargetOption,
  switchOptions,
  threadsOption,
  whatRuns,
  type DawnOptions,
  type ThreadOptions,
} from "../targets.ts";
import { adapted } from "./adapted.ts";
import { showReading } from "./progress.ts";

/** What the commands that read texts whole take beside their own options. */
export interface TextsOptions extends Switches, DawnOptions, ThreadOptions {
  readonly file?: string;
  readonly batch: string;
  readonly maxLength?: string;
  readonly ignoreConfig?: readonly string[];
  readonly adapter?: string;
  readonly target?: TargetName;
  readonly interpret?: true;
  readonly json?: true;
}

export const folderArgument = {
  name: "<folder>",
  description: "a published checkpoint: its folder, with config.json, safetensors and tokenizer.json",
};

/** Options of the commands that read texts whole; `what` is what a line of `--file` is. */
export const textsOptions = (what: string): readonly OptionSpec[] => [
  { flags: "--file <path>", description: `${what}, one a line; - for standard input` },
  { flags: "--batch <count>", description: "how many are read at once", default: "32" },
  { flags: "--max-length <tokens>", description: "cut to so many tokens; as the folder says if not given" },
  {
    flags: "--ignore-config <key>",
    description: "a key of the config to pass over, with `*`; may stand several times",
    repeated: true,
  },
  adapterOption,
  runTargetOption(`: ${whatRuns}`),
  { flags: "--interpret", description: "interpret the graph in float64 instead of running the emitted plan" },
  ...switchOptions,
  threadsOption,
  dawnOption,
  { flags: "--json", description: "as JSON" },
];

/** A checkpoint's model of its family with its config, its files, and what they are read with. */
export interface OpenedTexts {
  readonly model: LoweredModel;
  readonly files: CheckpointFiles;
  readonly reader: ReaderOptions & { readonly longest: number | undefined };
  readonly reading: ReadingOptions;
}

/**
 * Lowers the model of a checkpoint's family; `within` finds its folder in the checkpoint's. Its mistakes, and a folder that is
 * none, end the command.
 */
export function openTexts(
  folder: string,
  options: TextsOptions,
  out: Out,
  within: (files: CheckpointFiles) => string = () => "",
): OpenedTexts {
  requireTaken(options, [options.target ?? defaultTarget]);
  const plain = checkpointFiles(folder);
  const own = within(plain);
  const { adapter } = options;
  const files = adapter === undefined ? plain : orStop(adapted(plain, own, adapter));
  const at = files.nameOf(own);
  const source = publishedModel(at);
  if (source === undefined)
    return stop(
      "E737",
      `${quotePath(at)} is no published checkpoint: expected a folder with config.json, model.safetensors and tokenizer.json`,
      "name such a folder; `lmg run` takes models of one's own",
    );
  const { ignoreConfig } = options;
  const config = { config: orStop(reading(() => configOf(files, own))), configName: join(at, "config.json") };
  const { file } = parse(source);
  const { model, diagnostics } = lower(
    file,
    lowerOptions(source.name, ignoreConfig === undefined ? {} : { ignoreConfig }, config),
  );
  if (model === undefined || diagnostics.some(isError)) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  const { target, interpret, batch, maxLength } = options;
  const count = (flag: string, text: string): number => orStop(parseNumber(flag, text, 1, 1_000_000, true));
  return {
    model,
    files,
    reader: {
      ...engineOptionsOf(options),
      ...showLoading(out),
      target: target ?? defaultTarget,
      interpret: interpret ?? false,
      longest: maxLength === undefined ? undefined : count("--max-length", maxLength),
    },
    reading: { batch: count("--batch", batch), onProgress: showReading(out) },
  };
}
