import type { Binary, BinaryOperator } from "../../language/ast/expressions.ts";
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import {
  addDims,
  checkDim,
  DimTooLarge,
  divideDims,
  multiplyDims,
  subtractDims,
  type Dim,
} from "../../tensor/dim.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/arithmetic.ts";
import { tooLarge } from "../errors/sizes.ts";
import { bool, fromDim, number, toDim, type Meaning } from "./meaning.ts";

/** `+ - * / % ^` on what is known before the model runs: numbers, and sizes with run-time symbols. */
export function arithmetic(
  operator: BinaryOperator,
  left: Meaning,
  right: Meaning,
  operatorSpan: Span,
  span: Span,
  frame: Frame,
): Meaning | undefined {
  const result = calculate(operator, left, right, operatorSpan, span);
  if (!("severity" in result)) return result;
  frame.context.diagnostics.add(result, frame.calls);
  return undefined;
}

function calculate(
  operator: BinaryOperator,
  left: Meaning,
  right: Meaning,
  operatorSpan: Span,
  span: Span,
): Meaning | Diagnostic {
  if (left.kind === "number" && right.kind === "number") {
    const value = onNumbers(operator, left.value, right.value);
    if (!Number.isFinite(value)) return errors.notFinite(span, operator, left, right);
    return number(value, left.float || right.float || !Number.isInteger(value));
  }
  const a = toDim(left);
  const b = toDim(right);
  if (a === undefined || b === undefined) return errors.noArithmetic(operatorSpan, operator, left, right);
  try {
    const size = onDims(operator, a, b);
    if (size === undefined) return errors.noDimArithmetic(span, operator, a, b);
    checkDim(size);
    return fromDim(size);
  } catch (error) {
    if (error instanceof DimTooLarge) return tooLarge(span, `the result of \`${operator}\``, error);
    throw error;
  }
}

function onNumbers(operator: BinaryOperator, a: number, b: number): number {
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "%":
      return a - b * Math.floor(a / b);
    default:
      return a ** b;
  }
}

function onDims(operator: BinaryOperator, a: Dim, b: Dim): Dim | undefined {
  switch (operator) {
    case "+":
      return addDims(a, b);
    case "-":
      return subtractDims(a, b);
    case "*":
      return multiplyDims(a, b);
    case "/":
      return divideDims(a, b);
    default:
      return undefined;
  }
}

/** `==` and `!=` compare anything of one kind, also with none; the others compare numbers. */
export function compare(
  operator: "<=" | ">=" | "==" | "!=" | "<" | ">",
  left: Meaning,
  right: Meaning,
  binary: Binary,
  frame: Frame,
): Meaning | undefined {
  if (operator === "==" || operator === "!=") {
    const equal = sameMeaning(left, right);
    if (equal !== undefined) return bool(equal === (operator === "=="));
  } else if (left.kind === "number" && right.kind === "number") {
    return bool(order(operator, left.value, right.value));
  }
  frame.context.diagnostics.add(errors.notComparable(binary, left, right), frame.calls);
  return undefined;
}

function order(operator: "<=" | ">=" | "<" | ">", a: number, b: number): boolean {
  switch (operator) {
    case "<=":
      return a <= b;
    case ">=":
      return a >= b;
    case "<":
      return a < b;
    case ">":
      return a > b;
  }
}

/** Undefined where equality says nothing: tensors, or a number and a text. */
export function sameMeaning(left: Meaning, right: Meaning): boolean | undefined {
  if (left.kind === "none" || right.kind === "none") return isNoneLike(left) && isNoneLike(right);
  if (left.kind === "number" && right.kind === "number") return left.value === right.value;
  const a = toDim(left);
  const b = toDim(right);
  if (a !== undefined && b !== undefined) return a.key === b.key;
  if (left.kind === "bool" && right.kind === "bool") return left.value === right.value;
  if ((left.kind === "text" || left.kind === "word") && (right.kind === "text" || right.kind === "word"))
    return left.value === right.value;
  if (left.kind === "list" && right.kind === "list")
    return (
      left.items.length === right.items.length &&
      left.items.every((item, index) => sameMeaning(item, right.items[index]!) === true)
    );
  return undefined;
}

/** The placement `none` is a word that equals none. */
const isNoneLike = (meaning: Meaning): boolean =>
  meaning.kind === "none" || (meaning.kind === "word" && meaning.value === "none");
