import { scalarFunctions, type ScalarName } from "../../ops/scalar.ts";
import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import type { Dim } from "../../tensor/dim.ts";
import type { View } from "../../kernels/view.ts";

/** What a number is: a float of the target's own width, or a whole number of 32 bits. */
export type NumberType = "float" | "whole";

/** What kernels do beside the functions of graphs. */
export type Operation =
  | ScalarName
  /**
   * e^x for x ≤ 0 by a factor that is the same for all x and the target's own: what is divided by a sum of such. So a quotient that is
   * no normal number is right, though a power be none.
   */
  | "relative_power"
  /** A float without what follows its point. */
  | "truncate"
  /** The first word of Threefry of two keys and two counters: 0 to 2³² - 1. */
  | "threefry";

/** An array of elements; its view says which in a plan. Without a view it belongs to the kernel or to its target. */
export interface Tensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly view?: View;
}

/** A number that has a name: a loop's index, a size, what `let` or `total` makes. */
export interface Name {
  readonly kind: "name";
  readonly name: string;
  readonly type: NumberType;
}

/** A step from the start of a tensor: so many strides. A stride is known, or a name. */
export interface Term {
  readonly index: Expression;
  readonly stride: Expression;
}

/** A number. Nothing in it has an effect, so that it may be computed where and as often as a target likes. */
export type Expression =
  | { readonly kind: "number"; readonly value: number }
  | Name
  | { readonly kind: "load"; readonly tensor: Tensor; readonly terms: readonly Term[] }
  | { readonly kind: "apply"; readonly op: Operation; readonly args: readonly Expression[] }
  /** What a load would give after a store as that dtype. */
  | { readonly kind: "rounded"; readonly dtype: Dtype; readonly value: Expression };

export type Load = Extract<Expression, { kind: "load" }>;

/**
 * How numbers become one. `peak` is the largest as far as it keeps what is taken off it from being too large for e^x: a NaN among the
 * numbers may be left out, and a 0 have either sign.
 */
export type Fold = "add" | "max" | "min" | "peak";

/**
 * How the turns of a loop follow each other. `rows` and `lanes` are independent: rows may be shared among threads, lanes are
 * short of everything that would keep neighbours from being computed at once. `folds` are independent but for what they
 * take into totals and add to elements, which none of them reads: parts of them may be folded apart, and joined.
 * `turns` come one after the other.
 */
export type Order = "rows" | "lanes" | "folds" | "turns";

/** What a caller may have got wrong, that only a run can see. */
export type Refusal = "id" | "target" | "index";

export type Statement =
  | { readonly kind: "let"; readonly name: Name; readonly value: Expression }
  /** A reduction begins; every `take` in its scope adds to it, from all lanes of a loop if it stands outside of it. */
  | { readonly kind: "total"; readonly name: Name; readonly fold: Fold }
  | { readonly kind: "take"; readonly total: Name; readonly fold: Fold; readonly value: Expression }
  /** A reduction begins again: what it has taken in counts no more. Not in the lanes of a loop that takes in across them. */
  | { readonly kind: "restart"; readonly total: Name; readonly fold: Fold }
  | { readonly kind: "store"; readonly to: Load; readonly value: Expression }
  | Loop
  | { readonly kind: "when"; readonly condition: Expression; readonly body: readonly Statement[] }
  /** 0 ≤ index < end, or the run is refused. */
  | { readonly kind: "check"; readonly index: Name; readonly end: Expression; readonly refusal: Refusal }
  /** So many elements become 0. */
  | { readonly kind: "clear"; readonly from: Load; readonly count: Expression }
  /** A tensor of the kernel's own: numbers known now, or as many zeros. */
  | { readonly kind: "table"; readonly tensor: Tensor; readonly values: readonly number[] }
  | { readonly kind: "note"; readonly text: string };

export interface Loop {
  readonly kind: "loop";
  readonly order: Order;
  readonly index: Name;
  readonly from: Expression;
  readonly to: Expression;
  readonly body: readonly Statement[];
}

/** What a kernel is given, in order. */
export type Parameter =
  | { readonly kind: "tensor"; readonly tensor: Tensor }
  /** Memory of each thread's own, as many floats, whose numbers no other turn of `rows` finds. */
  | { readonly kind: "scratch"; readonly tensor: Tensor; readonly elements: Dim }
  | { readonly kind: "size"; readonly name: Name; readonly size: Dim }
  /** Known now, but different from call to call, as the stream of a dropout is. */
  | { readonly kind: "number"; readonly name: Name; readonly value: number };

export interface LoopKernel {
  readonly name: string;
  /** What it computes, in a line. */
  readonly doc: string;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
}

const always: Readonly<Partial<Record<Operation, NumberType>>> = {
  truncate: "whole",
  threefry: "whole",
  relative_power: "float",
};

/** What an expression is. Whole numbers stay whole where the function has no others; a float among them makes floats. */
export function typeOf(expression: Expression): NumberType {
  switch (expression.kind) {
    case "number":
      return Number.isInteger(expression.value) ? "whole" : "float";
    case "name":
      return expression.type;
    case "load":
      return isFloat(expression.tensor.dtype) ? "float" : "whole";
    case "rounded":
      return isFloat(expression.dtype) ? "float" : "whole";
    case "apply":
      return typeOfApply(expression.op, expression.args);
  }
}

function typeOfApply(op: Operation, args: readonly Expression[]): NumberType {
  const known = always[op];
  if (known !== undefined) return known;
  const { result, takes } = scalarFunctions[op as ScalarName];
  if (result === "bool") return "whole";
  const values = op === "where" ? args.slice(1) : args;
  return takes === "floats" || values.some((arg) => typeOf(arg) === "float") ? "float" : "whole";
}

/** The statements that stand in a statement. */
export const bodyOf = (statement: Statement): readonly Statement[] =>
  statement.kind === "loop" || statement.kind === "when" ? statement.body : [];

/** The expressions of a statement itself, what it writes to among them. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  switch (statement.kind) {
    case "let":
    case "take":
      return [statement.value];
    case "store":
      return [statement.to, statement.value];
    case "loop":
      return [statement.from, statement.to];
    case "when":
      return [statement.condition];
    case "check":
      return [statement.index, statement.end];
    case "clear":
      return [statement.from, statement.count];
    case "total":
    case "restart":
    case "table":
    case "note":
      return [];
  }
}

/** The expressions in an expression. */
export function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "number":
    case "name":
      return [];
    case "load":
      return expression.terms.flatMap(({ index, stride }) => [index, stride]);
    case "apply":
      return expression.args;
    case "rounded":
      return [expression.value];
  }
}

/** An expression and all in it. */
export function within(expression: Expression): readonly Expression[] {
  const parts = partsOf(expression);
  return parts.length === 0 ? [expression] : [expression, ...parts.flatMap(within)];
}

/** Statements and all in them. */
export const allOf = (body: readonly Statement[]): readonly Statement[] =>
  body.flatMap((statement) => [statement, ...allOf(bodyOf(statement))]);
