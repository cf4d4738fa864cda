import type { Checkpoints } from "../autodiff/checkpoints.ts";
import { trainingStep, type StepOptions } from "../autodiff/train/step.ts";
import { Problem } from "../checkpoint/problem.ts";
import type { Graph } from "../ir/graph.ts";
import { outlineOf, sectionsOf, type Section } from "../ir/outline.ts";
import type { LoweredTrain } from "../lower/train/train.ts";
import type { Sizes } from "../plan/stats.ts";
import { completeDims } from "../run/sizes.ts";
import { isError, type Diagnostic } from "../support/diagnostic.ts";
import { costsOf, type StepCosts } from "./costs.ts";

/** What a training step takes if all that the backward reads is kept, and if iterations are made again. */
export interface TrainingStats {
  readonly dims: Readonly<Record<string, number>>;
  readonly optimizer: string;
  /** Repeats whose iterations are made again: those that the model marks, else its outermost ones. */
  readonly checkpoint: { readonly marked: boolean; readonly repeats: readonly string[] };
  readonly kept: StepCosts;
  /** Undefined for a model without repeats. */
  readonly recomputed: StepCosts | undefined;
}

/** Sizes that are not given are those of the model's batch, and else as `completeDims` has them. */
export function trainingStats(
  train: LoweredTrain,
  options: StepOptions,
  given: Sizes,
): TrainingStats | readonly Diagnostic[] {
  const sizes = completeDims(train.graph.symbols, new Map([...batchOf(train), ...given]));
  if (sizes instanceof Problem) return [sizes];
  const costs = (checkpoints: Checkpoints): StepCosts | readonly Diagnostic[] => {
    const { update, diagnostics } = trainingStep(train.graph, { ...options, checkpoints });
    return diagnostics.some(isError) ? diagnostics : costsOf(update, sizes);
  };
  const checkpoint = repeatsOf(train.graph);
  const kept = costs("none");
  if (!("flops" in kept)) return kept;
  const recomputed =
    checkpoint.repeats.length === 0 ? undefined : costs(checkpoint.marked ? "marked" : "outermost");
  if (recomputed !== undefined && !("flops" in recomputed)) return recomputed;
  const { name: optimizer } = options.optimizer;
  return { dims: Object.fromEntries(sizes), optimizer, checkpoint, kept, recomputed };
}

/** The batch of the `train` section, if it says one, as the size of the dim that is the first axis of the first input. */
export function batchOf({ graph, batch }: LoweredTrain): readonly (readonly [string, number])[] {
  const first = graph.inputs[0]?.value.type.shape[0]?.key;
  const isSymbol = graph.symbols.some(({ name }) => name === first);
  return first === undefined || !isSymbol || batch === undefined ? [] : [[first, batch]];
}

/**
 * The labels of the repeats that are checkpointed; where the model marks none, of those of the user's files that stand
 * in no other.
 */
function repeatsOf(graph: Graph): TrainingStats["checkpoint"] {
  const marked = new Set<string>();
  const outermost = new Set<string>();
  const look = (section: Section, isInRepeat: boolean): void => {
    const { label, repeat } = section;
    if (repeat?.checkpoint === true) marked.add(label);
    if (repeat !== undefined && !isInRepeat && !repeat.library) outermost.add(label);
    for (const inner of sectionsOf(section)) look(inner, isInRepeat || repeat !== undefined);
  };
  look(outlineOf(graph), false);
  return { marked: marked.size > 0, repeats: [...(marked.size > 0 ? marked : outermost)] };
}
