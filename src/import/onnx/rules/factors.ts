import type { Value } from "../../../ir/graph.ts";
import { sameShape } from "../../../tensor/type.ts";
import type { Around } from "../rewrite.ts";

/** A product as what it is made of: numbers together, and values one by one. */
export interface Factors {
  readonly number: number;
  readonly values: readonly Value[];
}

/** The factors of a product, however it is put together; division by a number is one by its inverse. */
export function factorsOf(value: Value, around: Around): Factors {
  const number = around.number(value);
  if (number !== undefined) return { number, values: [] };
  const node = around.producer(value);
  if (node?.op === "neg") {
    const inner = factorsOf(node.operands.x, around);
    return { ...inner, number: -inner.number };
  }
  if (node?.op === "mul") {
    const [x, y] = [factorsOf(node.operands.x, around), factorsOf(node.operands.y, around)];
    return { number: x.number * y.number, values: [...x.values, ...y.values] };
  }
  const divisor = node?.op === "div" ? around.number(node.operands.y) : undefined;
  if (node?.op !== "div" || divisor === undefined || divisor === 0) return { number: 1, values: [value] };
  const inner = factorsOf(node.operands.x, around);
  return { ...inner, number: inner.number / divisor };
}

/** The one value that a number multiplies, and does not stretch. */
export function scaledOf(value: Value, around: Around): { readonly x: Value; readonly by: number } {
  const { number, values } = factorsOf(value, around);
  const [x, ...others] = values;
  const isOne = x !== undefined && others.length === 0 && sameShape(x.type.shape, value.type.shape);
  return isOne ? { x, by: number } : { x: value, by: 1 };
}

/** The operands of a sum in both orders. */
export function addends(value: Value, around: Around): readonly (readonly [Value, Value])[] {
  const node = around.producer(value);
  if (node?.op !== "add") return [];
  const { x, y } = node.operands;
  return [
    [x, y],
    [y, x],
  ];
}

/** What a number is added to, if that is what a value is. */
export function plusNumber(
  value: Value,
  around: Around,
): { readonly x: Value; readonly plus: number } | undefined {
  for (const [x, y] of addends(value, around)) {
    const plus = around.number(y);
    if (plus !== undefined) return { x, plus };
  }
  return undefined;
}
