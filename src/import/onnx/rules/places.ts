import { constantDim } from "../../../tensor/dim.ts";
import type { Value } from "../../../ir/graph.ts";
import { operandValues } from "../../../ir/node.ts";
import { affineOf, combined, constantOf, countingAxis, isNeverAboveZero } from "../affine.ts";
import type { Recognize } from "../rewrite.ts";

/** Whole numbers that count along one axis => iota, in the shape that they have; those that are one number => that number. */
const counting: Recognize = (node, around) => {
  const value = node.results[0]!;
  const isMade = node.op === "iota" || node.op === "full" || node.op === "reshape" || node.op === "extent";
  if (isMade || value.type.dtype !== "i32") return undefined;
  const affine = affineOf(value, around.producer);
  if (affine === undefined) return undefined;
  const { shape } = value.type;
  const number = constantOf(affine);
  if (number !== undefined) return around.make.full(shape, "i32", number);
  const axis = countingAxis(affine);
  if (axis === undefined || shape.some((size, at) => at !== axis && constantDim(size) !== 1))
    return undefined;
  const line = around.make.emit("iota", {}, { size: shape[axis]!, start: affine.constant });
  return shape.length === 1 ? line : around.make.reshape(line, shape);
};

/** A comparison of places that is the same everywhere => true or false. */
const decided: Recognize = (node, around) => {
  const holds = Object.hasOwn(comparisons, node.op) ? comparisons[node.op] : undefined;
  if (holds === undefined) return undefined;
  const [x, y] = operandValues(node) as [Value, Value];
  const [a, b] = [affineOf(x, around.producer), affineOf(y, around.producer)];
  const { shape } = node.results[0]!.type;
  if (a === undefined || b === undefined) return undefined;
  const difference = constantOf(combined(a, b, -1, shape.length));
  if (difference !== undefined) return around.make.full(shape, "bool", holds(difference) ? 1 : 0);
  const [low, high] = node.op === "le" ? [a, b] : [b, a];
  const isTrue =
    (node.op === "le" || node.op === "ge") && isNeverAboveZero(combined(low, high, -1, shape.length));
  return isTrue ? around.make.full(shape, "bool", 1) : undefined;
};

const comparisons: Readonly<Record<string, (difference: number) => boolean>> = {
  eq: (difference) => difference === 0,
  ne: (difference) => difference !== 0,
  lt: (difference) => difference < 0,
  le: (difference) => difference <= 0,
  gt: (difference) => difference > 0,
  ge: (difference) => difference >= 0,
};

/** Running sums of zeros are zeros. */
const noSum: Recognize = (node, around) =>
  node.op === "cumsum" && around.number(node.operands.x) === 0 ? node.operands.x : undefined;

/** true and x => x; false or x => x. */
const neutral: Recognize = (node, around) => {
  if (node.op !== "and" && node.op !== "or") return undefined;
  const nothing = node.op === "and" ? 1 : 0;
  const { x, y } = node.operands;
  for (const [a, b] of [
    [x, y],
    [y, x],
  ] as const) {
    if (around.number(a) !== nothing) continue;
    const { shape } = node.results[0]!.type;
    return around.make.emit("broadcast", { x: b }, { shape });
  }
  return undefined;
};

/** where(c, 1, 0) = 0 => not c, and the other way round; a cast of bool to numbers and back => itself. */
const asTruth: Recognize = (node, around) => {
  if (node.op === "cast" && node.attrs.dtype === "bool") {
    const inner = around.producer(node.operands.x);
    return inner?.op === "cast" && inner.operands.x.type.dtype === "bool" ? inner.operands.x : undefined;
  }
  if (node.op !== "eq" && node.op !== "ne") return undefined;
  const inner = around.producer(node.operands.x);
  const number = around.number(node.operands.y);
  if (inner?.op !== "where" || number === undefined) return undefined;
  const [yes, no] = [around.number(inner.operands.x), around.number(inner.operands.y)];
  if (yes === undefined || no === undefined || (yes === number) === (no === number)) return undefined;
  const isTrue = (yes === number) === (node.op === "eq");
  const { condition } = inner.operands;
  const made = isTrue ? condition : around.make.emit("not", { x: condition }, {});
  return around.make.emit("broadcast", { x: made }, { shape: node.results[0]!.type.shape });
};

export const placeRules: readonly Recognize[] = [counting, decided, noSum, neutral, asTruth];
