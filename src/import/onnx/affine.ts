import type { Node, Value } from "../../ir/graph.ts";
import {
  addDims,
  constantDim,
  dim,
  multiplyDims,
  sameDim,
  subtractDims,
  type Dim,
} from "../../tensor/dim.ts";

/** What a value is whose elements follow from where they stand: Σ by[axis] · coordinate + constant. */
export interface Affine {
  /** A factor an axis of the value; 0 for most. */
  readonly by: readonly Dim[];
  readonly constant: Dim;
}

export type Producer = (value: Value) => Node | undefined;

const zero = dim(0);
const one = dim(1);

/** The axis along which a value counts one by one, where it does along no other. */
export function countingAxis({ by }: Affine): number | undefined {
  const axes = [...by.keys()].filter((axis) => constantDim(by[axis]!) !== 0);
  return axes.length === 1 && constantDim(by[axes[0]!]!) === 1 ? axes[0] : undefined;
}

/** The one number that all elements are. */
export const constantOf = ({ by, constant }: Affine): number | undefined =>
  by.every((each) => constantDim(each) === 0) ? constantDim(constant) : undefined;

/** Whether Σ by · coordinate + constant ≤ 0 whatever the coordinates, which are at least 0. */
export const isNeverAboveZero = ({ by, constant }: Affine): boolean =>
  [constant, ...by].every((each) => (constantDim(each) ?? 1) <= 0);

/** Elements of a constant that are looked at: positions of the longest texts. */
const MAX_LOOKED_AT = 2 ** 20;

/** How whole numbers of a value follow from their coordinates; undefined for what is computed of anything else. */
export function affineOf(value: Value, producer: Producer): Affine | undefined {
  const node = producer(value);
  const rank = value.type.shape.length;
  switch (node?.op) {
    case "iota":
      return { by: [one], constant: node.attrs.start };
    case "extent":
      return { by: [], constant: node.attrs.size };
    case "full":
      return Number.isSafeInteger(node.attrs.value)
        ? { by: new Array<Dim>(rank).fill(zero), constant: dim(node.attrs.value) }
        : undefined;
    case "constant":
      return counted(value, node.attrs.values);
    case "cast":
      return node.attrs.dtype === "bool" ? undefined : affineOf(node.operands.x, producer);
    case "reshape":
    case "broadcast":
    case "permute":
    case "slice": {
      const inner = affineOf(node.operands.x, producer);
      return inner && movedForm(node, inner);
    }
    case "add":
    case "sub":
      return summed(node, producer);
    case "mul":
      return multiplied(node, producer);
    case "concat":
      return continued(node, producer);
    default:
      return undefined;
  }
}

/** A constant that counts along one axis. */
function counted({ type }: Value, values: readonly number[]): Affine | undefined {
  const [first] = values;
  if (first === undefined || values.length > MAX_LOOKED_AT || !Number.isSafeInteger(first)) return undefined;
  if (!values.every((each, at) => each === first + at)) return undefined;
  const long = type.shape.findIndex((size) => constantDim(size) !== 1);
  const isLine = type.shape.every((size, axis) => axis === long || constantDim(size) === 1);
  return isLine
    ? { by: type.shape.map((_, axis) => (axis === long ? one : zero)), constant: dim(first) }
    : undefined;
}

/** What moves elements and leaves them what they are. */
export type Move = Extract<Node, { op: "reshape" | "broadcast" | "permute" | "slice" }>;

export const isMove = (node: Node): node is Move =>
  node.op === "reshape" || node.op === "broadcast" || node.op === "permute" || node.op === "slice";

/** How a form of x follows from the coordinates of x moved; undefined if axes are split or joined. */
export function movedForm(node: Move, inner: Affine): Affine | undefined {
  const from = node.operands.x.type.shape;
  const to = node.results[0]!.type.shape;
  if (node.op === "permute") return { ...inner, by: node.attrs.axes.map((axis) => inner.by[axis]!) };
  if (node.op === "slice") {
    const { axis, start, size } = node.attrs;
    const constant = addDims(inner.constant, multiplyDims(start, inner.by[axis]!));
    // One place stretches over others, which do not count on from it.
    return { by: constantDim(size) === 1 ? inner.by.with(axis, zero) : inner.by, constant };
  }
  const axes = axisMap(node, from, to);
  return axes && { ...inner, by: axes.map((axis) => (axis === undefined ? zero : inner.by[axis]!)) };
}

/** For each axis of the result that which it is of x; none for one that repeats or has one element. Undefined if axes are split or joined. */
export function axisMap(
  node: Extract<Move, { op: "reshape" | "broadcast" }>,
  from: readonly Dim[],
  to: readonly Dim[],
): readonly (number | undefined)[] | undefined {
  if (node.op === "broadcast")
    return to.map((size, axis) => {
      const at = axis - to.length + from.length;
      return at >= 0 && sameDim(from[at], size) ? at : undefined;
    });
  const isLong = (size: Dim): boolean => constantDim(size) !== 1;
  const left = [...from.keys()].filter((axis) => isLong(from[axis]!));
  const axes = to.map((size) => (isLong(size) ? left.shift() : undefined));
  const fits =
    left.length === 0 &&
    axes.every((axis, at) => axis === undefined || sameDim(from[axis], to[at])) &&
    to.filter(isLong).length === from.filter(isLong).length;
  return fits ? axes : undefined;
}

/** Of operands that broadcast. */
function summed(node: Extract<Node, { op: "add" | "sub" }>, producer: Producer): Affine | undefined {
  const rank = node.results[0]!.type.shape.length;
  const [x, y] = [node.operands.x, node.operands.y].map((value) => affineOf(value, producer));
  if (x === undefined || y === undefined) return undefined;
  return node.op === "add" ? combined(x, y, 1, rank) : combined(x, y, -1, rank);
}

/** Of which one is a number or a size. */
function multiplied(node: Extract<Node, { op: "mul" }>, producer: Producer): Affine | undefined {
  const rank = node.results[0]!.type.shape.length;
  const [x, y] = [node.operands.x, node.operands.y].map((value) => affineOf(value, producer));
  if (x === undefined || y === undefined) return undefined;
  const isNumber = ({ by }: Affine): boolean => by.every((each) => constantDim(each) === 0);
  const [counted, factor] = isNumber(y) ? [x, y.constant] : [y, x.constant];
  if (!isNumber(x) && !isNumber(y)) return undefined;
  const by = Array.from({ length: rank }, (_, axis) => counted.by[axis - rank + counted.by.length] ?? zero);
  return {
    by: by.map((each) => multiplyDims(each, factor)),
    constant: multiplyDims(counted.constant, factor),
  };
}

/** Parts of which each goes on where the one before it ends; one place of its own counts as those beside it do. */
function continued(node: Extract<Node, { op: "concat" }>, producer: Producer): Affine | undefined {
  const { axis } = node.attrs;
  const { values } = node.operands;
  const sizes = values.map(({ type }) => type.shape[axis]!);
  const parts = values.map((value) => affineOf(value, producer));
  if (!parts.every((part) => part !== undefined)) return undefined;
  const long = sizes.findIndex((size) => constantDim(size) !== 1);
  const [first, second] = parts;
  const slope = parts[long]?.by[axis] ?? (second && subtractDims(second.constant, first!.constant)) ?? zero;
  const whole = { ...first!, by: first!.by.with(axis, slope) };
  let offset = zero;
  for (const [index, part] of parts.entries()) {
    const by = constantDim(sizes[index]!) === 1 ? part.by.with(axis, slope) : part.by;
    const constant = addDims(whole.constant, multiplyDims(slope, offset));
    if (!by.every((each, at) => sameDim(each, whole.by[at])) || !sameDim(part.constant, constant))
      return undefined;
    offset = addDims(offset, sizes[index]!);
  }
  return whole;
}

/** x + sign · y, of values that broadcast to so many axes. */
export function combined(x: Affine, y: Affine, sign: 1 | -1, rank: number): Affine {
  const at = ({ by }: Affine, axis: number): Dim => by[axis - rank + by.length] ?? zero;
  const join = sign === 1 ? addDims : subtractDims;
  return {
    by: Array.from({ length: rank }, (_, axis) => join(at(x, axis), at(y, axis))),
    constant: join(x.constant, y.constant),
  };
}
