import type { Value } from "../../../ir/graph.ts";
import { isNear } from "../numbers.ts";
import type { Around, Recognize } from "../rewrite.ts";
import { addends, factorsOf, plusNumber, scaledOf } from "./factors.ts";

/** x², x³ of a product of one value, or a power by a number. */
function powerOf(value: Value, around: Around): { readonly x: Value; readonly power: number } | undefined {
  const node = around.producer(value);
  if (node?.op === "square") return { x: node.operands.x, power: 2 };
  if (node?.op === "pow") {
    const power = around.number(node.operands.y);
    return power === undefined ? undefined : { x: node.operands.x, power };
  }
  const { number, values } = factorsOf(value, around);
  if (number !== 1 || values.length < 2) return undefined;
  const powers = values.map((each) => powerOf(each, around) ?? { x: each, power: 1 });
  const [first] = powers;
  if (!powers.every(({ x }) => x === first!.x)) return undefined;
  return { x: first!.x, power: powers.reduce((sum, { power }) => sum + power, 0) };
}

/** pow(x, 2) = x · x => square(x); x^½ => sqrt(x); x^-½ = 1/√x => rsqrt(x). */
const powers: Recognize = (node, around) => {
  if (node.op === "pow" || (node.op === "mul" && node.operands.x === node.operands.y)) {
    const power = node.op === "pow" ? around.number(node.operands.y) : 2;
    const { x } = node.operands;
    if (power === 2) return around.make.emit("square", { x }, {});
    if (power === 0.5) return around.make.emit("sqrt", { x }, {});
    return power === -0.5 ? around.make.emit("rsqrt", { x }, {}) : undefined;
  }
  if (node.op !== "div" || around.number(node.operands.x) !== 1) return undefined;
  const root = around.producer(node.operands.y);
  return root?.op === "sqrt" ? around.make.emit("rsqrt", { x: root.operands.x }, {}) : undefined;
};

/** x · sigmoid(x) => silu(x). */
const silu: Recognize = (node, around) => {
  if (node.op !== "mul") return undefined;
  for (const [x, y] of [
    [node.operands.x, node.operands.y],
    [node.operands.y, node.operands.x],
  ] as const) {
    const gate = around.producer(y);
    if (gate?.op === "sigmoid" && gate.operands.x === x) return around.make.emit("silu", { x }, {});
  }
  return undefined;
};

/** 0.5 · x · (1 + erf(x / √2)) => gelu(x); with tanh(√(2/π) (x + 0.044715 x³)) in its place => gelu_tanh(x). */
const gelu: Recognize = (node, around) => {
  if (node.op !== "mul") return undefined;
  const { number, values } = factorsOf(node.results[0]!, around);
  const [a, b, ...others] = values;
  if (a === undefined || b === undefined || others.length > 0 || !isNear(number, 0.5)) return undefined;
  for (const [x, y] of [
    [a, b],
    [b, a],
  ] as const) {
    const sum = plusNumber(y, around);
    const inner = sum?.plus === 1 ? around.producer(sum.x) : undefined;
    if (inner?.op === "erf" && isScaled(inner.operands.x, x, Math.SQRT1_2, around))
      return around.make.emit("gelu", { x }, {});
    if (inner?.op === "tanh" && isCubic(inner.operands.x, x, around))
      return around.make.emit("gelu_tanh", { x }, {});
  }
  return undefined;
};

function isScaled(value: Value, x: Value, by: number, around: Around): boolean {
  const scaled = scaledOf(value, around);
  return scaled.x === x && isNear(scaled.by, by);
}

/** √(2/π) (x + 0.044715 x³), or the same with x before the bracket: √(2/π) x (1 + 0.044715 x²). */
function isCubic(value: Value, x: Value, around: Around): boolean {
  const { number, values } = factorsOf(value, around);
  if (!isNear(number, Math.sqrt(2 / Math.PI))) return false;
  const sum = values.find((each) => each !== x);
  if (sum === undefined || values.length > 2) return false;
  const isBefore = values.length === 2;
  if (isBefore && !values.includes(x)) return false;
  return addends(sum, around).some(([first, second]) => {
    const isFirst = isBefore ? around.number(first) === 1 : first === x;
    return isFirst && isPower(second, x, isBefore ? 2 : 3, around);
  });
}

/** 0.044715 · x^power, however the product is put together. */
function isPower(value: Value, x: Value, power: number, around: Around): boolean {
  const { number, values } = factorsOf(value, around);
  if (!isNear(number, 0.044715)) return false;
  const powers = values.map((each) => (each === x ? { x, power: 1 } : powerOf(each, around)));
  return (
    powers.every((each) => each?.x === x) && powers.reduce((sum, each) => sum + each!.power, 0) === power
  );
}

/** square(relu(x)) => relu2(x). */
const relu2: Recognize = (node, around) => {
  const inner = node.op === "square" ? around.producer(node.operands.x) : undefined;
  return inner?.op === "relu" ? around.make.emit("relu2", { x: inner.operands.x }, {}) : undefined;
};

export const activationRules: readonly Recognize[] = [powers, silu, gelu, relu2];
