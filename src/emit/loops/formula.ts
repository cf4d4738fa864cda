import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import type { Expression, Operation } from "./tree.ts";

/** An expression, or a number as itself. */
export type Operand = Expression | number;

export const number = (value: number): Expression => ({ kind: "number", value });

export const expressionOf = (operand: Operand): Expression =>
  typeof operand === "number" ? number(operand) : operand;

export const apply = (op: Operation, ...args: readonly Operand[]): Expression => ({
  kind: "apply",
  op,
  args: args.map(expressionOf),
});

/** One operation after the other, from the left. */
const chain =
  (op: Operation) =>
  (first: Operand, ...rest: readonly Operand[]): Expression =>
    rest.reduce<Expression>((left, right) => apply(op, left, right), expressionOf(first));

export const plus = chain("add");
export const minus = chain("sub");
export const times = chain("mul");
export const over = chain("div");

export const root = (x: Operand): Expression => apply("sqrt", x);
export const power = (x: Operand): Expression => apply("exp", x);
/** A share of e^x among others of its kind, but for what divides them all; x ≤ 0. */
export const relativePower = (x: Operand): Expression => apply("relative_power", x);
export const log = (x: Operand): Expression => apply("log", x);
export const less = (x: Operand, y: Operand): Expression => apply("lt", x, y);
export const equal = (x: Operand, y: Operand): Expression => apply("eq", x, y);
export const unequal = (x: Operand, y: Operand): Expression => apply("ne", x, y);
export const select = (condition: Operand, yes: Operand, no: Operand): Expression =>
  apply("where", condition, yes, no);

/** What a tensor of that dtype holds of a number. */
export const rounded = (dtype: Dtype, x: Operand): Expression => ({
  kind: "rounded",
  dtype,
  value: expressionOf(x),
});

/** As above for a half-precision dtype; other floats round when they are stored. */
export const halved = (dtype: Dtype, x: Operand): Expression =>
  !isFloat(dtype) || dtype === "f32" || dtype === "f64" ? expressionOf(x) : rounded(dtype, x);

/** So many elements on; nothing where the stride is 0, as all elements of that axis are one. */
export const isNothing = (stride: Expression): boolean => stride.kind === "number" && stride.value === 0;
