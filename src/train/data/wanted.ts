import { Problem } from "../../checkpoint/problem.ts";
import type { Graph, SymbolDeclaration, Value } from "../../ir/graph.ts";
import { misfitAt } from "../../ir/sizes.ts";
import { constantDim } from "../../tensor/dim.ts";
import type { TensorType } from "../../tensor/type.ts";

/** What a training step must be given. */
export interface Wanted {
  readonly tensors: readonly WantedTensor[];
  /** The run-time dims of their shapes, with the bounds that the model states. */
  readonly symbols: readonly SymbolDeclaration[];
  /** Why a training step cannot run with these sizes of the run-time dims; undefined if it can. */
  readonly misfit: (sizes: ReadonlyMap<string, number>) => string | undefined;
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
  // An input that is left out may have dims that nothing says: that is found when its step runs.
  const misfit: Wanted["misfit"] = (sizes) =>
    graph.symbols.every(({ name }) => sizes.has(name)) ? misfitAt(graph, sizes) : undefined;
  return { tensors, symbols: graph.symbols, misfit };
}

/** The size of a batch, if the model takes no other. */
export function fixedBatch({ tensors }: Wanted): number | undefined {
  const sizes = tensors.filter(({ required }) => required).map(({ type }) => type.shape[0]);
  return sizes.map((size) => size && constantDim(size)).find((size) => size !== undefined);
}

/** What is wrong with batches that make the run-time dims these sizes. */
export function batchProblem({ misfit }: Wanted, sizes: ReadonlyMap<string, number>): Problem | undefined {
  const reason = misfit(sizes);
  return reason === undefined
    ? undefined
    : new Problem(
        "E761",
        `no training step can run with batches of this size: ${reason}`,
        "change --batch or the model",
      );
}

/** The run-time dim that is the size of a batch, if all that must be given begins with it alone. */
export function batchSymbol({ tensors, symbols }: Wanted): string | undefined {
  const sizes = tensors.filter(({ required }) => required).map(({ type }) => type.shape[0]?.key);
  const [first] = sizes;
  const isSymbol = symbols.some(({ name }) => name === first);
  return isSymbol && sizes.every((size) => size === first) ? first : undefined;
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
