import type { Graph, SymbolDeclaration, Value } from "../../ir/graph.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { TensorType } from "../../tensor/type.ts";

/** What a training step must be given. */
export interface Wanted {
  readonly tensors: readonly WantedTensor[];
  /** The run-time dims of their shapes, with the bounds that the model states. */
  readonly symbols: readonly SymbolDeclaration[];
}

/** An input or a target that a training step must be given. */
export interface WantedTensor {
  readonly name: string;
  /** Its first axis is the batch. */
  readonly type: TensorType;
  readonly isTarget: boolean;
  /** False for an input that has a value if it is left out. */
  readonly required: boolean;
  /** Integers must be below this: classes of a loss, rows of a table. */
  readonly below: number | undefined;
  /** A target that all losses and metrics pass over, and so may be out of range. */
  readonly ignored: number | undefined;
}

/** What the graph of a `train` section reads, and which integers it takes. Linear in the nodes. */
export function wantedOf(graph: Graph, targets: readonly string[]): Wanted {
  const ranges = rangesOf(graph);
  const tensors = graph.inputs.map(({ name, value, fill }) => ({
    name,
    type: value.type,
    isTarget: targets.includes(name),
    required: fill === undefined,
    below: ranges.get(value)?.below,
    ignored: ranges.get(value)?.ignored,
  }));
  return { tensors, symbols: graph.symbols };
}

/** The size of a batch, if the model takes no other. */
export function fixedBatch({ tensors }: Wanted): number | undefined {
  const sizes = tensors.filter(({ required }) => required).map(({ type }) => type.shape[0]);
  return sizes.map((size) => size && constantDim(size)).find((size) => size !== undefined);
}

interface Range {
  readonly below: number;
  readonly ignored: number | undefined;
}

/** For ids and targets that nodes read as they are; what was computed from them has no range here. */
function rangesOf(graph: Graph): ReadonlyMap<Value, Range> {
  const ranges = new Map<Value, Range>();
  const limit = (value: Value, below: number | undefined, ignored?: number): void => {
    if (below === undefined) return;
    const before = ranges.get(value) ?? { below, ignored };
    ranges.set(value, {
      below: Math.min(below, before.below),
      ignored: before.ignored === ignored ? ignored : undefined,
    });
  };
  for (const node of graph.nodes)
    if (node.op === "embedding") limit(node.operands.ids, constantDim(node.operands.table.type.shape[0]!));
    else if (node.op === "cross_entropy" || node.op === "accuracy")
      limit(node.operands.targets, constantDim(node.operands.logits.type.shape.at(-1)!), node.attrs.ignore);
  return ranges;
}
