import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { scalarFunctions, type ScalarName } from "../../ops/scalar.ts";
import type { CoreOp } from "../../ops/table.ts";
import { stageOf } from "../../ops/table.ts";
import { constantDim, type Dim } from "../../tensor/dim.ts";
import type { Axes } from "./fact.ts";
import { reshapedFrom } from "./reshape.ts";

/** An operand of a node: its value, and the name under which the node has it. */
export interface Operand {
  readonly name: string;
  readonly value: Value;
  readonly axes: Axes;
}

/**
 * The axis of an operand that an axis of positions of the result runs along with: row i of the one is made of row i of the
 * other. Undefined if the operand has none, or the op folds it.
 */
export type Along<K extends CoreOp> = (node: NodeOf<K>, axis: number, operand: Operand) => number | undefined;

const rankOf = ({ results }: Node): number => results[0]!.type.shape.length;

/** As NumPy broadcasts: aligned at the last axis, what stretches runs along nothing. */
const aligned = (node: Node, axis: number, { value }: Operand): number | undefined => {
  const at = axis - rankOf(node) + value.type.shape.length;
  return at >= 0 && constantDim(value.type.shape[at]!) !== 1 ? at : undefined;
};

const nowhere = (): undefined => undefined;

/** Only the operand of this name, axis by axis. */
const onlyOf =
  (only: string) =>
  (_: Node, axis: number, { name }: Operand): number | undefined =>
    name === only ? axis : undefined;

/** Only the operand of this name, and not its last axis, which the op turns into another. */
const allButLast =
  (only: string) =>
  (_: Node, axis: number, { name, value }: Operand): number | undefined =>
    name === only && axis < value.type.shape.length - (only === "ids" ? 0 : 1) ? axis : undefined;

const kept: Along<"reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min"> = (
  { attrs: { axes, keep } },
  axis,
  { value },
) => value.type.shape.map((_, at) => at).filter((at) => keep || !axes.includes(at))[axis];

const product: Along<"matmul"> = (node, axis, operand) => {
  const fromEnd = rankOf(node) - axis;
  const rank = operand.value.type.shape.length;
  if (fromEnd > 2) return aligned(node, axis, operand);
  if (operand.name === "a") return fromEnd === 2 ? rank - 2 : undefined;
  return fromEnd === 1 ? rank - (node.attrs.transpose_b ? 2 : 1) : undefined;
};

/** Channels are folded; rows and columns run along, shifted by the kernel. */
const spatial = (_: Node, axis: number, { name }: Operand): number | undefined =>
  name === "x" && axis !== 1 ? axis : undefined;

const turned: Along<"rope"> = ({ attrs: { layout } }, axis, { name, value }) => {
  if (name === "x") return axis;
  const rank = value.type.shape.length;
  if (axis === (layout === "heads_first" ? 2 : 1)) return rank - 1;
  return axis === 0 && rank === 2 && constantDim(value.type.shape[0]!) !== 1 ? 0 : undefined;
};

/** Rows of the operands run along; heads of v, of which several share one of q. */
const recurrent: Along<"linear_attend"> = (_, axis, { name, value }) =>
  name === "state" || axis === 3 || axis >= value.type.shape.length ? undefined : axis;

/** Rows of x and choices run along; a row that all choices of a place read has one in their place. */
const routed: Along<"routed_linear"> = (node, axis, { name, value }) =>
  name === "weight" || axis === rankOf(node) - 1 || constantDim(value.type.shape[axis]!) === 1
    ? undefined
    : axis;

const scalars = Object.fromEntries(Object.keys(scalarFunctions).map((name) => [name, aligned])) as {
  readonly [K in ScalarName]: typeof aligned;
};

/** Of every op of the language: an op without an entry is a type error here. */
const table: { readonly [K in CoreOp]: Along<K> } = {
  ...scalars,
  constant: nowhere,
  full: nowhere,
  iota: nowhere,
  relative_bucket: nowhere,
  reshape: ({ attrs: { shape } }, axis, { value, axes }) =>
    reshapedFrom(value.type.shape, axes, shape).get(axis),
  permute: ({ attrs: { axes } }, axis) => axes[axis],
  broadcast: aligned,
  slice: onlyOf("x"),
  concat: (_, axis) => axis,
  cast: onlyOf("x"),
  reduce_sum: kept,
  reduce_mean: kept,
  reduce_max: kept,
  reduce_min: kept,
  cumsum: onlyOf("x"),
  topk: onlyOf("x"),
  spread: (_, axis) => axis,
  take: (node, axis) => (axis === rankOf(node) - 1 ? undefined : axis),
  softmax: onlyOf("x"),
  log_softmax: onlyOf("x"),
  matmul: product,
  linear: allButLast("x"),
  routed_linear: routed,
  embedding: allButLast("ids"),
  conv2d: spatial,
  max_pool2d: spatial,
  rope: turned,
  attend: allButLast("q"),
  linear_attend: recurrent,
  layer_norm: onlyOf("x"),
  rms_norm: onlyOf("x"),
  l2_norm: onlyOf("x"),
  batch_norm: onlyOf("x"),
  cross_entropy: nowhere,
  mean_squared_error: nowhere,
  accuracy: nowhere,
  dropout: onlyOf("x"),
  batch_statistics: nowhere,
};

/** A node of an op of the language. */
export type CoreNode = { readonly [K in CoreOp]: NodeOf<K> }[CoreOp];

export const isCoreNode = (node: Node): node is CoreNode => stageOf(node.op) === "core";

/** The axis of the operand along which an axis of the result runs; none for ops that are not of the language. */
export function alongOf(node: Node, axis: number, operand: Operand): number | undefined {
  if (!isCoreNode(node)) return undefined;
  const along = table[node.op] as (node: CoreNode, axis: number, operand: Operand) => number | undefined;
  const at = along(node, axis, operand);
  return at !== undefined && operand.axes.has(at) ? at : undefined;
}

/** The axis of a concat, softmax or norm counted from the front. */
export const axisFromFront = (axis: number, shape: readonly Dim[]): number =>
  axis < 0 ? axis + shape.length : axis;
