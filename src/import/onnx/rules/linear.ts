import type { NodeOf, Value } from "../../../ir/graph.ts";
import { affineOf, countingAxis } from "../affine.ts";
import { constantDim, dim, productOfDims, sameDim } from "../../../tensor/dim.ts";
import { isScalarNode } from "../../../passes/facts.ts";
import { operandValues, withOperands } from "../../../ir/node.ts";
import { broadcastShapes, sameShape } from "../../../tensor/type.ts";
import type { Around, Recognize } from "../rewrite.ts";

/** linear(x, w) + b => linear(x, w, b). */
const bias: Recognize = (node, around) => {
  if (node.op !== "add") return undefined;
  for (const [x, vector] of [
    [node.operands.x, node.operands.y],
    [node.operands.y, node.operands.x],
  ] as const) {
    const product = around.producer(x);
    if (product?.op !== "linear" || product.operands.bias !== undefined || around.uses(x) !== 1) continue;
    if (around.tensor(product.operands.weight) === undefined || around.tensor(vector) === undefined) continue;
    // A table that is read again has no bias, which stands behind it.
    if (around.uses(product.operands.weight) !== 1) continue;
    if (vector.type.shape.length !== 1 || !sameDim(vector.type.shape[0], x.type.shape.at(-1))) continue;
    return around.make.emit("linear", { ...product.operands, bias: vector }, product.attrs);
  }
  return undefined;
};

/** linear(reshape(x, [B·T, D])) seen as [B, T, N] again => linear(x): rows are rows, however many axes count them. */
const rows: Recognize = (node, around) => {
  if (node.op !== "reshape") return undefined;
  const product = around.producer(node.operands.x);
  if (product?.op !== "linear") return undefined;
  const flat = around.producer(product.operands.x);
  const { shape } = node.results[0]!.type;
  if (flat?.op !== "reshape" || !sameDim(shape.at(-1), product.results[0]!.type.shape.at(-1)))
    return undefined;
  const width = product.operands.x.type.shape.at(-1)!;
  const x = around.make.reshape(flat.operands.x, [...shape.slice(0, -1), width]);
  return around.make.emit("linear", { ...product.operands, x }, product.attrs);
};

/** permute(reshape(x), p) of which one axis is taken apart, or one of 1 left off => the same before the permute. */
const splitBefore: Recognize = (node, around) => {
  if (node.op !== "reshape") return undefined;
  const turn = around.producer(node.operands.x);
  if (turn?.op !== "permute" || around.producer(turn.operands.x)?.op !== "reshape") return undefined;
  const [from, to] = [node.operands.x.type.shape, node.results[0]!.type.shape];
  const grows = to.length - from.length;
  if (Math.abs(grows) !== 1) return undefined;
  const axis = from.findIndex((size, at) => {
    const parts = to.slice(at, at + 1 + grows);
    const rest =
      sameShape(from.slice(0, at), to.slice(0, at)) &&
      sameShape(from.slice(at + 1), to.slice(at + 1 + grows));
    const isCut = grows > 0 ? parts.every((part) => constantDim(part) !== 1) : constantDim(size) === 1;
    return rest && isCut && sameDim(size, productOfDims(parts));
  });
  if (axis < 0) return undefined;
  const { x } = turn.operands;
  const { axes } = turn.attrs;
  const source = axes[axis]!;
  const apart = around.make.reshape(
    x,
    x.type.shape.toSpliced(source, 1, ...to.slice(axis, axis + 1 + grows)),
  );
  const order = axes.flatMap((each) => {
    if (each === source) return grows > 0 ? [each, each + 1] : [];
    return [each > source ? each + grows : each];
  });
  return around.make.permute(apart, order);
};

/** embedding(table, 0, 1, …) of all rows of a table that is computed => the table, once for each text. */
function wholeTable(node: NodeOf<"embedding">, around: Around): Value | undefined {
  const { table, ids } = node.operands;
  const places = affineOf(ids, around.producer);
  const isWhole =
    places !== undefined &&
    constantDim(places.constant) === 0 &&
    countingAxis(places) === ids.type.shape.length - 1 &&
    sameDim(ids.type.shape.at(-1), table.type.shape[0]);
  if (!isWhole) return undefined;
  const { shape } = node.results[0]!.type;
  const ones = shape.slice(0, -2).map(() => dim(1));
  const wide = ones.length === 0 ? table : around.make.reshape(table, [...ones, ...table.type.shape]);
  return around.make.emit("broadcast", { x: wide }, { shape });
}

/** embedding(table, ids seen with more axes of one) => embedding(table, ids), seen so. */
const embeddedRow: Recognize = (node, around) => {
  if (node.op !== "embedding") return undefined;
  const view = around.producer(node.operands.ids);
  if (around.tensor(node.operands.table) === undefined) return wholeTable(node, around);
  if (view?.op !== "reshape") return undefined;
  const { x } = view.operands;
  if (x.type.shape.length !== 1 || !sameDim(productOfDims(view.attrs.shape), x.type.shape[0]))
    return undefined;
  const rowsOf = around.make.emit("embedding", { table: node.operands.table, ids: x }, {});
  return around.make.reshape(rowsOf, node.results[0]!.type.shape);
};

/** f(x, reshape(y, [1, ..])) => f(x, y): axes of one in front stretch by themselves. */
const leadingOnes: Recognize = (node, around) => {
  if (!isScalarNode(node)) return undefined;
  const narrow = (value: Value): Value => {
    const view = around.producer(value);
    if (view?.op !== "reshape" && view?.op !== "broadcast") return value;
    const { x } = view.operands;
    const missing = value.type.shape.length - x.type.shape.length;
    const isPlain =
      missing > 0 && x.type.shape.length > 0 && sameShape(value.type.shape.slice(missing), x.type.shape);
    return isPlain && value.type.shape.slice(0, missing).every((size) => constantDim(size) === 1) ? x : value;
  };
  const changed = withOperands(node, narrow);
  if (changed === node) return undefined;
  const shape = operandValues(changed).reduce<
    readonly (typeof node.results)[number]["type"]["shape"][number][] | undefined
  >((all, { type }) => (all === undefined ? undefined : broadcastShapes(all, type.shape)), []);
  if (shape === undefined || !sameShape(shape, node.results[0]!.type.shape)) return undefined;
  return around.make.emit(changed.op, changed.operands, changed.attrs);
};

export const linearRules: readonly Recognize[] = [bias, rows, splitBefore, embeddedRow, leadingOnes];
