import type { Node } from "ohm-js";
import { listWords, nearest } from "../../support/text.ts";
import { dtypes, isDtype } from "../../tensor/dtype.ts";
import type { DimReference, Expression, Name, TypeReference } from "../ast/expressions.ts";
import * as errors from "../errors/tree.ts";
import { items, optional, spanOf, type Context } from "./context.ts";
import { buildFlat } from "./expressions.ts";
import { buildWord } from "./names.ts";

/** `f32[B, T <= ctx, dim]`, `[.., D]` or a dtype alone. */
export function buildType(context: Context, type: Node): TypeReference {
  const node = type.child(0);
  const span = spanOf(context, node);
  if (node.ctorName === "Type_scalar")
    return { span, dtype: buildDtype(context, node.child(0)), dims: undefined };
  const dtype = optional(node.child(0));
  return {
    span,
    dtype: dtype === undefined ? undefined : buildDtype(context, dtype),
    dims: items(node.child(2)).map((dim) => buildDim(context, dim.child(0))),
  };
}

/** What other languages call our types. */
const otherNames: Readonly<Record<string, string>> = {
  float: "f32",
  float16: "f16",
  float32: "f32",
  float64: "f64",
  half: "f16",
  double: "f64",
  bfloat16: "bf16",
  int: "i32",
  int8: "i8",
  int16: "i16",
  int32: "i32",
  int64: "i64",
  long: "i64",
  uint8: "u8",
  byte: "u8",
  uint32: "u32",
  boolean: "bool",
};

function buildDtype(context: Context, node: Node): Name {
  const name = buildWord(context, node);
  if (!isDtype(name.text)) {
    const near = otherNames[name.text.toLowerCase()] ?? nearest(name.text, dtypes);
    context.report.add(errors.unknownDtype(name.span, name.text, listWords(dtypes), near));
  }
  return name;
}

function buildDim(context: Context, node: Node): DimReference {
  const span = spanOf(context, node);
  if (node.isTerminal()) return { kind: "rest", span };
  const value = buildFlat(context, node);
  if (value.kind !== "binary" || !comparisons.has(value.operator))
    return { kind: "dim", span, value, bound: undefined };
  if (value.operator !== "<=") context.report.add(errors.onlyUpperBounds(value.operatorSpan, value.operator));
  if (!isRunTimeDim(value.left)) context.report.add(errors.boundNeedsDim(value.left.span));
  return { kind: "dim", span, value: value.left, bound: value.right };
}

const comparisons = new Set(["<=", ">=", "==", "!=", "<", ">"]);

const isRunTimeDim = (value: Expression): boolean =>
  value.kind === "call" &&
  value.arguments === undefined &&
  value.path.parts.length === 0 &&
  /^[A-Z]/.test(value.path.root.text);
