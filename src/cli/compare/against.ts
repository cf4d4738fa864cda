import { targets } from "../../emit/targets.ts";
import { weightErrors, type WeightError } from "../../run/compare/weights.ts";
import type { Source } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import type { OptionSpec } from "../command.ts";
import { loadModel } from "../load.ts";
import { writeJson, type Out } from "../out.ts";
import { checkpointConfig, openChosenWeights, type WeightChoice } from "../run/chosen.ts";
import { noteStored, packChosen, quantizeOptions, type QuantizeOptions } from "../run/quantized.ts";
import type { ModelOptions } from "../source.ts";
import { stop } from "../stop.ts";
import { defaultTarget, flagOf } from "../targets.ts";
import { agreementOn, showAgreement, textOptions, type TextOptions } from "./agreement.ts";
import { showErrors } from "./weights.ts";

/** What `lmg compare` takes to compare weights, and not targets. */
export interface AgainstOptions
  extends Omit<ModelOptions, "config">, WeightChoice, TextOptions, QuantizeOptions {
  /** The checkpoint of the original. */
  readonly against?: string;
  readonly json?: true;
}

export const againstOptions: readonly OptionSpec[] = [
  {
    flags: "--against <path>",
    description:
      "compare weights, not targets: those of --weights with the original of this checkpoint; --prefix is of the former",
  },
  ...[...quantizeOptions, ...textOptions].map((option) => ({
    ...option,
    description: `with --against: ${option.description}`,
  })),
];

const ofAgainst = ["quantize", "activations", "data", "tokenizer"] as const;

/** Ends the command where an option of one form stands beside another, so that none is passed over in silence. */
export function requireForm(options: AgainstOptions, ofTargets: readonly string[]): void {
  const isGiven = (name: string): boolean => Object.entries(options).some(([key]) => key === name);
  const isOfWeights = options.against !== undefined;
  const idle = (isOfWeights ? ofTargets : ofAgainst).find(isGiven);
  if (idle === undefined) return;
  if (isOfWeights)
    stop("E804", `${flagOf(idle)} is for targets, and --against compares weights`, "leave one of them off");
  stop("E804", `${flagOf(idle)} is for weights beside their original`, "name that with --against");
}

/** Two checkpoints of one model: how far each tensor is from the original, and what both say of a text. */
export async function compareWeights(
  source: Source,
  options: AgainstOptions & { readonly against: string },
  out: Out,
): Promise<void> {
  const target = targets[defaultTarget].target({});
  const loaded = await loadModel(source, options, out, { config: checkpointConfig(options), target });
  const weights = openChosenWeights(loaded.model, options, out);
  try {
    const { against, ignore = [] } = options;
    const original = openChosenWeights(loaded.model, { weights: against, ignore, ownWeights: true }, out);
    try {
      // The original is computed in floats, however it is stored.
      const asFloats = { activations: "f32", fuse: options.fuse ?? true } as const;
      const first = packChosen(loaded, original, asFloats, target);
      const second = packChosen(loaded, weights, options, target);
      noteStored(second, options, out);
      const layers = weightErrors(weights, second.packing, original);
      const agreement = await agreementOn(loaded.model.graph, [first, second], options, out);
      if (options.json === true) {
        writeJson(out, { layers, agreement });
        return;
      }
      const form = options.quantize === undefined ? "" : ` with --quantize ${options.quantize}`;
      out.write(`${weights.from}${form}, against ${original.from}\n${showWeights(layers)}`);
      if (agreement !== undefined) out.write(showAgreement(agreement));
    } finally {
      original.close();
    }
  } finally {
    weights.close();
  }
}

function showWeights(layers: readonly WeightError[]): string {
  const all = plural(layers.length, "tensor");
  const changed = layers.filter(({ error }) => error !== 0);
  if (changed.length === 0) return `${all}, and no element differs: the error ‖Δw‖ / ‖w‖ is 0\n`;
  return showErrors(`${changed.length} of ${all} differ`, changed);
}
