import { brokenRow, MASK, maskedGraph } from "../../incremental/masked.ts";
import { Refusal } from "../../incremental/refusal.ts";
import type { Target } from "../../kernels/target.ts";
import { planGraph } from "../../plan/build.ts";
import type { Tensors } from "../../run/engine.ts";
import { outputOf } from "../../run/model.ts";
import { tokenInput } from "../../run/tokens.ts";
import type { LoadedModel } from "../load.ts";
import { orStop, stop } from "../stop.ts";
import type { RunOptions } from "./options.ts";

/**
 * The model with an input for the mask of padding, where an array is given for it and the model has none: that of a decoder,
 * whose texts begin behind padding. Itself in all other cases.
 */
export function withMaskInput(loaded: LoadedModel, options: RunOptions, target: Target): LoadedModel {
  const { graph, notNeeded } = loaded.model;
  const isAsked = (options.input ?? []).some((given) => given.startsWith(`${MASK}=`));
  const goesOn = options.generate !== undefined || options.chat === true;
  if (!isAsked || goesOn || graph.inputs.some(({ name }) => name === MASK)) return loaded;
  const symbol = orStop(tokenInput(graph)).value.type.shape.at(-1)!.key;
  const output = outputOf({ graph, output: options.output?.[0] });
  const { fuse = true } = options;
  const masked = maskedGraph(graph, { symbol, output, fuse, target });
  if (masked instanceof Refusal)
    return stop(
      "E813",
      `the model has no input \`${MASK}\`, and is none of which texts could begin behind padding: ${masked.message}`,
      "give rows of one length, or one text at a time",
    );
  const kept = new Set(masked.graph.parameters.map(({ name }) => name));
  const surplus = graph.parameters.flatMap(({ name }) => (kept.has(name) ? [] : [name]));
  const model = { ...loaded.model, graph: masked.graph, notNeeded: [...notNeeded, ...surplus] };
  const plan = planGraph(masked.optimized, { target, notNeeded: model.notNeeded });
  return { ...loaded, model, graph: masked.optimized, plan };
}

/** Ends the command for a mask that has padding within a text. */
export function requireWhole(inputs: Tensors): void {
  const row = brokenRow(inputs.get(MASK)!);
  if (row !== undefined)
    stop(
      "E812",
      `row ${row} of \`${MASK}\` has padding within a text: a decoder reads a text from its first true to its last`,
      "put the padding in front of the text, or behind it",
    );
}
