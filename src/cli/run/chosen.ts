import { dirname, join } from "node:path";
import { findGguf } from "../../checkpoint/files/gguf.ts";
import { openCheckpoint, type Checkpoint } from "../../checkpoint/files/open.ts";
import { kindOfPath } from "../../checkpoint/files/system.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { matchWeights, randomWeights, type Weights } from "../../run/weights.ts";
import { warningAt } from "../../support/diagnostic.ts";
import { plural } from "../../support/text.ts";
import { parseNumber } from "../arguments.ts";
import type { OptionSpec } from "../command.ts";
import type { Out } from "../out.ts";
import { orStop, showDiagnostics, stop } from "../stop.ts";
import { withAdapter } from "./adapters.ts";
import { hasTextPart, textTensors } from "./text-part.ts";
import { ggufConfig } from "./gguf.ts";
import { readConfigFile, type ConfigInput } from "../source.ts";

/** Where a command's weights come from. */
export interface WeightChoice {
  readonly config?: string;
  readonly weights?: string;
  readonly random?: string;
  readonly prefix?: string;
  readonly ignore?: readonly string[];
  readonly adapter?: string;
  /** The weights were made from this very text: names that it makes up fit. */
  readonly ownWeights?: true;
}

export const adapterOption: OptionSpec = {
  flags: "--adapter <folder>",
  description: "a LoRA with its adapter_config.json, merged into the weights",
};

export const weightOptions: readonly OptionSpec[] = [
  {
    flags: "--weights <path>",
    description: "a checkpoint: its folder (with its config.json), a .safetensors file, or a .gguf file",
  },
  { flags: "--random <seed>", description: "random weights instead" },
  {
    flags: "--prefix <text>",
    description: "taken off the checkpoint's names, or put in front of them; found if it is not given",
  },
  { flags: "--ignore <pattern>", description: "surplus tensors to pass over, with `*`", repeated: true },
  adapterOption,
];

/** Where what lies beside the weights is: their folder; a GGUF file is a folder of its own. */
export function checkpointFolder({ weights }: WeightChoice): string | undefined {
  if (weights === undefined || kindOfPath(weights) === "folder" || findGguf(weights) !== undefined)
    return weights;
  return dirname(weights);
}

/** The config of the checkpoint; undefined if it has none, or if `--config` names another. */
export function checkpointConfig(options: WeightChoice): ConfigInput | undefined {
  const folder = checkpointFolder(options);
  if (options.config !== undefined || folder === undefined) return undefined;
  const path = join(folder, "config.json");
  if (kindOfPath(path) === "file") return readConfigFile(path);
  const gguf = findGguf(folder);
  return gguf === undefined ? undefined : { config: ggufConfig(gguf), configName: gguf };
}

/** The weights that `--weights` or `--random` choose; without either the command ends. */
export function openChosenWeights(model: LoweredModel, options: WeightChoice, out: Out): Weights {
  if (options.weights !== undefined) {
    if (options.ownWeights !== true) warnOfMadeUpNames(model.unlabelled, out);
    return orStop(
      matchWeights(model.graph, openNamed({ ...options, weights: options.weights }), {
        ...options,
        notNeeded: model.notNeeded,
      }),
    );
  }
  if (options.adapter !== undefined)
    return stop("E817", "--adapter is merged into weights, and there are none", "name them with --weights");
  if (options.random !== undefined)
    return randomWeights(model.graph, orStop(parseNumber("--random", options.random, 0, 2 ** 32 - 1, true)));
  return stop(
    "E817",
    "there are no weights to run on",
    "name a checkpoint with --weights, or draw some with --random 0",
  );
}

/** The checkpoint that `--weights` names, with an adapter merged into it; of a model of several parts the text model. */
export function openNamed(options: WeightChoice & { readonly weights: string }): Checkpoint {
  const whole = orStop(openCheckpoint(options.weights));
  const config = checkpointConfig({ weights: options.weights })?.config;
  const checkpoint = hasTextPart(config) ? textTensors(whole) : whole;
  return options.adapter === undefined ? checkpoint : orStop(withAdapter(checkpoint, options.adapter));
}

/** Names by kind and order change when a layer is put in between: another checkpoint than one of this text may not fit. */
export function warnOfMadeUpNames(unlabelled: LoweredModel["unlabelled"], out: Out): void {
  const [first] = unlabelled;
  if (first === undefined) return;
  const names = `${plural(unlabelled.length, "checkpoint name")}, \`${first.name}\``;
  const message = `${names}${unlabelled.length > 1 ? " first" : ""}: made up from the kind and order of a layer`;
  showDiagnostics([warningAt("W801", first.span, message, { help: "write a label: `name: layer`" })], out);
}
