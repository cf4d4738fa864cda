import type { NodeOf, Value } from "../../ir/graph.ts";
import { namedOperands } from "../../ir/node.ts";
import { scalarFunctions, type ScalarName } from "../../ops/scalar.ts";
import type { CoreOp } from "../../ops/table.ts";
import { constantDim } from "../../tensor/dim.ts";
import { axisFromFront } from "../facts/along.ts";
import { Refusal } from "../refusal.ts";
import { attend, linearAttend, rope } from "./attention.ts";
import {
  again,
  asNode,
  hintsOf,
  masked,
  refused,
  requireBatch,
  type Batch,
  type BatchRule,
} from "./batch.ts";
import { keepsFront } from "./drift.ts";
import { tableRows } from "./table-rows.ts";
import type { Made } from "./texts.ts";

/** A number that no score is below: hidden before a softmax, and the least of all in a maximum. */
const LOWEST = -1e30;

/** Ops of which no operand can be lifted, and that fold no positions. */
const asItIs = <K extends CoreOp>(node: NodeOf<K>, batch: Batch): readonly Made[] =>
  again(
    node,
    (value) => {
      const made = batch.of(value);
      return made.isLifted ? refused(node, "its operands") : made.value;
    },
    batch,
  );

/** Operands of one shape with others stretched to it: what is lifted is put where the result has its batch. */
function aligned<K extends CoreOp>(node: NodeOf<K>, batch: Batch, attrs: object = {}): readonly Made[] {
  const { shape } = node.results[0]!.type;
  const { texts } = batch;
  const isLifted = Object.values(namedOperands(asNode(node))).some((operand) =>
    [operand ?? []].flat().some((value) => batch.of(value).isLifted),
  );
  const axis = isLifted ? texts.batchAxis(shape) : undefined;
  if (isLifted) requireBatch(node, node.results[0]!, false, batch);
  return again(
    node,
    (value) => texts.placed(batch.of(value), shape.length, axis),
    batch,
    attrs,
    isLifted && axis === undefined,
  );
}

/** An op of one tensor, whose other operands are weights: its axes are one further back where it is lifted. */
const ofOne =
  <K extends CoreOp>(name: string, attrsOf: (node: NodeOf<K>, batch: Batch) => object) =>
  (node: NodeOf<K>, batch: Batch): readonly Made[] => {
    const { isLifted } = batch.of(namedOperands(asNode(node))[name] as Value);
    return again(
      node,
      (value, of) => {
        const made = batch.of(value);
        return made.isLifted && of !== name ? refused(node, "its weights") : made.value;
      },
      batch,
      isLifted ? attrsOf(node, batch) : {},
      isLifted,
    );
  };

const sameAttributes = (): object => ({});

const shaped = ({ attrs: { shape } }: NodeOf<"reshape">, { texts }: Batch): object => ({
  shape: [texts.batch, ...shape],
});

const broadcast: BatchRule<"broadcast"> = (node, batch) => {
  const { shape } = node.attrs;
  const { texts } = batch;
  const x = batch.of(node.operands.x);
  const axis = x.isLifted ? texts.batchAxis(shape) : undefined;
  const isLifted = x.isLifted && axis === undefined;
  const placed = texts.placed(x, shape.length, axis);
  return again(node, () => placed, batch, isLifted ? { shape: [texts.batch, ...shape] } : {}, isLifted);
};

const slice: BatchRule<"slice"> = (node, batch) => {
  const { x } = node.operands;
  const { axis, start } = node.attrs;
  const [from, to] = [x, node.results[0]!].map((value) => batch.factOf(value).axes.get(axis));
  if (from === undefined && to !== undefined) return tableRows(node, batch);
  if (from !== undefined && to === undefined && constantDim(start) !== undefined)
    refused(node, "the first position");
  if (from !== undefined && to !== undefined && !keepsFront(from, to, constantDim(start)))
    if (!batch.fronts.areAlike(x, axis)) refused(node, "rows in front of the text");
  return ofOne<"slice">("x", () => ({ axis: axis + 1 }))(node, batch);
};

/** Rows in front of a text are to stand right before it: so its rows before its beginning are what these are. */
const concat: BatchRule<"concat"> = (node, batch) => {
  const { texts, factOf } = batch;
  const { axis } = node.attrs;
  const isText = factOf(node.results[0]!).axes.has(axis);
  const padding = isText ? batch.fronts.paddingOf(node) : undefined;
  const parts = node.operands.values.map((value): Made => {
    const run = factOf(value).axes.get(axis);
    const isFirst = run?.kind === "rows" && run.lead === 0;
    return isFirst && padding !== undefined ? masked(node, value, axis, padding, batch) : batch.of(value);
  });
  const isLifted = parts.some((part) => part.isLifted);
  const { shape } = node.results[0]!.type;
  const own = isLifted ? texts.batchAxis(shape) : undefined;
  const isFurther = isLifted && own === undefined;
  const values = parts.map((part, at) => {
    if (!isLifted) return part.value;
    const placed = texts.placed(part, shape.length, own);
    const before = node.operands.values[at]!.type.shape;
    const target = own === undefined ? [texts.batch, ...before] : before;
    return texts.stretched(placed, target);
  });
  const made = texts.emitAll("concat", { values }, { axis: isFurther ? axis + 1 : axis }, hintsOf(node));
  return [{ value: made[0]!, isLifted: isFurther }];
};

const iota: BatchRule<"iota"> = (node, batch) => {
  const { texts, factOf } = batch;
  const run = factOf(node.results[0]!).axes.get(0);
  const start = constantDim(node.attrs.start);
  if (run?.kind !== "rows" || start === undefined) return refused(node, "its numbers");
  const at = texts.positions(run.lead);
  const value = start === 0 ? at : texts.emit("add", { x: at, y: texts.number(start, "i32") }, {});
  return [{ value, isLifted: true }];
};

type Reduction = "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min";

/** With the number that has no part in it; undefined if there is none. */
const reduced =
  <K extends Reduction>(neutral: number | undefined) =>
  (node: NodeOf<K>, batch: Batch): readonly Made[] => {
    const { x } = node.operands as { readonly x: Value };
    const { axes } = node.attrs as { readonly axes: readonly number[] };
    const [key] = axes.filter((axis) => batch.factOf(x).axes.has(axis));
    if (key !== undefined && neutral === undefined)
      throw new Refusal("over_positions", asNode(node), "a fold");
    const made = key === undefined ? batch.of(x) : masked(node, x, key, neutral!, batch);
    const attrs = made.isLifted ? { axes: axes.map((axis) => axis + 1) } : {};
    return again(node, () => made.value, batch, attrs, made.isLifted);
  };

/** An op along one axis, of which positions before a text have no part where it is that of the positions. */
const overAxis =
  <K extends "softmax" | "cumsum" | "log_softmax">(neutral: number | undefined) =>
  (node: NodeOf<K>, batch: Batch): readonly Made[] => {
    const { x } = node.operands as { readonly x: Value };
    const axis = axisFromFront((node.attrs as { readonly axis: number }).axis, x.type.shape);
    const isOverText = batch.factOf(x).axes.has(axis);
    if (isOverText && neutral === undefined) throw new Refusal("over_positions", asNode(node), "a softmax");
    const made = isOverText ? masked(node, x, axis, neutral!, batch) : batch.of(x);
    return again(node, () => made.value, batch, made.isLifted ? { axis: axis + 1 } : {}, made.isLifted);
  };

const matmul: BatchRule<"matmul"> = (node, batch) => {
  const { a, b } = node.operands;
  const inner = [a.type.shape.length - 1, b.type.shape.length - (node.attrs.transpose_b ? 1 : 2)] as const;
  if (!batch.factOf(a).axes.has(inner[0])) return aligned(node, batch);
  // Of the two, what is a text by itself needs no batch of its own in front.
  const isText = batch.texts.batchAxis(a.type.shape) !== undefined;
  const [value, axis] = isText ? ([a, inner[0]] as const) : ([b, inner[1]] as const);
  const made = masked(node, value, axis, 0, batch);
  const of = (other: Value): Made => (other === value ? made : batch.of(other));
  return aligned(node, { ...batch, of });
};

const conv2d: BatchRule<"conv2d"> = (node, batch) => {
  const { x, weight, bias } = node.operands;
  const axis = [2, 3].find((each) => batch.factOf(x).axes.has(each));
  if (axis === undefined) return asItIs(node, batch);
  const run = batch.factOf(x).axes.get(axis)!;
  if (run.kind !== "rows") throw new Refusal("merged", asNode(node));
  const isPadded = node.attrs.padding[axis - 2] !== 0;
  if (run.lead > 0 && (isPadded || !batch.fronts.areAlike(x, axis)))
    refused(node, "rows in front of the text");
  const rows = run.lead === 0 ? masked(node, x, axis, 0, batch) : batch.of(x);
  if (
    [rows, batch.of(weight), ...(bias === undefined ? [] : [batch.of(bias)])].some(({ isLifted }) => isLifted)
  )
    return refused(node, "its operands");
  return again(node, (value) => (value === x ? rows.value : batch.of(value).value), batch);
};

const lastAxis = <K extends CoreOp>(node: NodeOf<K>, batch: Batch): readonly Made[] =>
  ofOne<K>("x", sameAttributes)(node, batch);

const scalars = Object.fromEntries(
  Object.keys(scalarFunctions).map((name) => [
    name,
    (node: NodeOf<CoreOp>, batch: Batch) => aligned(node, batch),
  ]),
) as { readonly [K in ScalarName]: BatchRule<CoreOp> };

/** Of every op of the language: an op without an entry is a type error here. */
const rules: { readonly [K in CoreOp]: BatchRule<K> } = {
  ...scalars,
  constant: asItIs,
  full: asItIs,
  iota,
  relative_bucket: (node) => refused(node, "its distances"),
  reshape: ofOne("x", shaped),
  permute: ofOne("x", ({ attrs }) => ({ axes: [0, ...attrs.axes.map((axis) => axis + 1)] })),
  broadcast,
  slice,
  concat,
  cast: lastAxis,
  reduce_sum: reduced(0),
  reduce_mean: reduced(undefined),
  reduce_max: reduced(LOWEST),
  reduce_min: reduced(undefined),
  cumsum: overAxis(0),
  softmax: overAxis(LOWEST),
  log_softmax: overAxis(undefined),
  topk: lastAxis,
  take: asItIs,
  spread: asItIs,
  matmul,
  linear: lastAxis,
  routed_linear: asItIs,
  embedding: ofOne("ids", sameAttributes),
  conv2d,
  max_pool2d: asItIs,
  rope,
  attend,
  linear_attend: linearAttend,
  layer_norm: lastAxis,
  rms_norm: lastAxis,
  l2_norm: lastAxis,
  batch_norm: asItIs,
  cross_entropy: asItIs,
  mean_squared_error: asItIs,
  accuracy: asItIs,
  dropout: lastAxis,
  batch_statistics: asItIs,
};

/** The results of a node where each text of its batch begins at a place of its own. */
export const batchRuleOf = (node: NodeOf<CoreOp>, batch: Batch): readonly Made[] =>
  (rules[node.op] as BatchRule<CoreOp>)(node, batch);
