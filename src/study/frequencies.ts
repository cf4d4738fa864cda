import type { Graph, NodeOf, Value } from "../ir/graph.ts";
import type { Batch, Batches } from "../train/data/batches.ts";

/** Where a loss is one cross-entropy: the name of its targets, how many classes there are, and which target counts for none. */
export interface ClassLoss {
  readonly target: string;
  readonly classes: number;
  readonly ignore: number | undefined;
}

/** The cross-entropy that is the loss of a training graph; undefined for any other loss. */
export function classLossOf(graph: Graph): ClassLoss | undefined {
  const loss = graph.outputs.find(({ name }) => name === "loss")?.value;
  const node = graph.nodes.find(
    (one): one is NodeOf<"cross_entropy"> => one.op === "cross_entropy" && one.results[0] === loss,
  );
  if (node === undefined) return undefined;
  const target = inputOf(graph, node.operands.targets);
  const classes = Number(node.operands.logits.type.shape.at(-1)?.key);
  return target === undefined || !Number.isInteger(classes)
    ? undefined
    : { target, classes, ignore: node.attrs.ignore };
}

const inputOf = ({ inputs }: Graph, value: Value): string | undefined =>
  inputs.find((input) => input.value === value)?.name;

/** Targets of the training part that are counted: enough that another million would change no digit that is shown. */
const COUNTED = 1 << 20;

/**
 * The loss of whoever knows nothing but how often each class is the target: the cross-entropy on the validation part, as far
 * as `limit` batches of it are read, of the frequencies in the training part, each class counted once more than it was seen.
 * A model that ends there has learned nothing of what stands before. Undefined without a validation part.
 */
export function frequencyLoss(
  batches: Batches,
  { target, classes, ignore }: ClassLoss,
  limit?: number,
): number | undefined {
  const counts = new Float64Array(classes).fill(1);
  let total = classes;
  const each = (batch: Batch, work: (id: number) => void): void => {
    for (const id of batch[target]?.data ?? []) if (id !== ignore && id >= 0 && id < classes) work(id);
  };
  for (let index = 0; index < batches.perEpoch && total < COUNTED; index++)
    each(batches.at(index), (id) => {
      counts[id]!++;
      total++;
    });
  let [sum, read] = [0, 0];
  for (const { tensors } of batches.validation(limit))
    each(tensors, (id) => {
      sum -= Math.log(counts[id]! / total);
      read++;
    });
  return read === 0 ? undefined : sum / read;
}

/** A loss that is not a hundredth below that of the frequencies is theirs: the rest is what a bias of the head gains. */
export const learnedNothing = (loss: number | null, frequencies: number | null): boolean =>
  loss !== null && frequencies !== null && loss > 0.99 * frequencies;
