import type { Value } from "../../ir/graph.ts";
import type { Binary, BinaryOperator } from "../../language/ast/expressions.ts";
import { Mismatch } from "../../ops/define.ts";
import type { ScalarName } from "../../ops/scalar.ts";
import type { Span } from "../../support/source.ts";
import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import type { Place } from "../frame/builder.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/arithmetic.ts";
import { tensor, type Meaning } from "./meaning.ts";

const operators = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "%": "mod",
  "^": "pow",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  and: "and",
  or: "or",
} as const satisfies Readonly<Record<Exclude<BinaryOperator, "in">, ScalarName>>;

/** An operator where a side is a tensor: element by element, with NumPy's broadcasting. */
export function combineTensors(
  operator: keyof typeof operators,
  left: Meaning,
  right: Meaning,
  binary: Binary,
  frame: Frame,
): Meaning | undefined {
  const { builder, diagnostics } = frame.context;
  const other = left.kind === "tensor" ? left.value : right.kind === "tensor" ? right.value : undefined;
  const dtype = other?.type.dtype;
  const x = toTensor(left, binary.left.span, frame, dtype);
  const y = toTensor(right, binary.right.span, frame, dtype);
  if (x === undefined || y === undefined) return undefined;
  const node = builder.emit(operators[operator], { x, y }, {}, placeOf(binary.span, frame));
  if (!(node instanceof Mismatch)) return tensor(node.results[0]!);
  diagnostics.add(errors.operandsDoNotFit(binary, x.type, y.type), frame.calls);
  return undefined;
}

export function negateTensor(x: Value, span: Span, frame: Frame): Meaning | undefined {
  const node = frame.context.builder.emit("neg", { x }, {}, placeOf(span, frame));
  return node instanceof Mismatch ? undefined : tensor(node.results[0]!);
}

/** `not` of a tensor of bools, element by element. */
export function invertTensor(x: Value, operand: Span, span: Span, frame: Frame): Meaning | undefined {
  const node = frame.context.builder.emit("not", { x }, {}, placeOf(span, frame));
  if (!(node instanceof Mismatch)) return tensor(node.results[0]!);
  frame.context.diagnostics.add(errors.notABoolTensor(operand, x.type), frame.calls);
  return undefined;
}

/** A node that no layer makes belongs to the block or the iteration around it. */
export const placeOf = (span: Span, frame: Frame): Place => ({
  span,
  calls: frame.calls,
  label: frame.labels.prefix,
});

/** The tensor that a meaning is; a number or truth becomes a scalar, of the dtype of what it meets. */
export function toTensor(meaning: Meaning, span: Span, frame: Frame, dtype?: Dtype): Value | undefined {
  if (meaning.kind === "tensor") return meaning.value;
  if (meaning.kind === "number") {
    const whole = Number.isInteger(meaning.value) && !meaning.float;
    const fits = dtype !== undefined && dtype !== "bool" && (isFloat(dtype) || whole);
    return scalar(fits ? dtype : "f32", meaning.value, span, frame);
  }
  if (meaning.kind === "bool") return scalar("bool", meaning.value ? 1 : 0, span, frame);
  frame.context.diagnostics.add(errors.notATensor(span, meaning), frame.calls);
  return undefined;
}

function scalar(dtype: Dtype, value: number, span: Span, frame: Frame): Value | undefined {
  const node = frame.context.builder.emit("full", {}, { dtype, shape: [], value }, placeOf(span, frame));
  return node instanceof Mismatch ? undefined : node.results[0];
}
