import type { Value } from "../../ir/graph.ts";
import type { DimReference, TypeReference } from "../../language/ast/expressions.ts";
import { spanText } from "../../support/source.ts";
import {
  checkShape,
  constantDim,
  DimTooLarge,
  sameDim,
  showDim,
  symbolDim,
  type Dim,
} from "../../tensor/dim.ts";
import { isDtype, isFloat, type Dtype } from "../../tensor/dtype.ts";
import { type TensorType } from "../../tensor/type.ts";
import type { Frame } from "../frame/context.ts";
import * as nameErrors from "../errors/names.ts";
import * as errors from "../errors/shapes.ts";
import { tooLarge } from "../errors/sizes.ts";
import { bareName } from "./expressions.ts";
import { fromDim, toDim } from "./meaning.ts";

/** What is compared with a type: what to call it, and the value, whose maker is shown. */
export interface Checked {
  readonly what: string;
  readonly value: Value;
}

type SizeReference = DimReference & { readonly kind: "dim" };

/** Binds the dims that a type names first and checks the others; false if they disagree, which has been reported. */
export function matchType(type: TypeReference, actual: TensorType, frame: Frame, checked: Checked): boolean {
  const { diagnostics } = frame.context;
  const report = (diagnostic: ReturnType<typeof errors.typeDiffers>): false => {
    diagnostics.add(diagnostic, frame.calls);
    return false;
  };
  const made = frame.context.builder.madeAt(checked.value);
  const dtype = dtypeOf(type);
  if (dtype === "unknown") return false;
  if (dtype === undefined ? !isFloat(actual.dtype) : dtype !== actual.dtype)
    return report(errors.dtypeDiffers(type, checked.what, actual, made));
  const dims = type.dims ?? [];
  const restAt = dims.findIndex((size) => size.kind === "rest");
  const least = restAt < 0 ? dims.length : dims.length - 1;
  if (actual.shape.length < least || (restAt < 0 && actual.shape.length > least))
    return report(errors.rankDiffers(type, checked.what, actual, made));
  const leading = actual.shape.length - least;
  let matches = true;
  dims.forEach((size, index) => {
    if (size.kind === "rest") return;
    const axis = restAt >= 0 && index > restAt ? index + leading - 1 : index;
    matches = matchDim(size, actual, axis, frame, checked, made) && matches;
  });
  return matches;
}

function matchDim(
  size: SizeReference,
  actual: TensorType,
  axis: number,
  frame: Frame,
  checked: Checked,
  made: ReturnType<Frame["context"]["builder"]["madeAt"]>,
): boolean {
  const found = actual.shape[axis]!;
  const name = bareName(size.value);
  if (name !== undefined && /^[A-Z]/.test(name) && frame.scope.find(name) === undefined)
    frame.scope.bind(name, fromDim(found), size.value.span);
  const expected = evaluateSize(size, frame);
  frame.context.observe?.(size.span, { kind: "size", size: found });
  if (expected === undefined) return false;
  if (!sameDim(expected, found)) {
    const diagnostic = errors.typeDiffers(size, checked.what, actual, axis, expected, made);
    frame.context.diagnostics.add(diagnostic, frame.calls);
    return false;
  }
  return size.bound === undefined || limit(size, found, frame);
}

function evaluateSize(size: SizeReference, frame: Frame): Dim | undefined {
  if (hasUnknownName(size, frame)) return undefined;
  const meaning = frame.context.walk.evaluateAs(
    size.value,
    { name: "size", optional: false },
    frame,
    "a dim",
  );
  return meaning === undefined ? undefined : toDim(meaning);
}

/** True for `b` and for `2 * T` where these are not bound, which is reported once: a later reader is silent. */
function hasUnknownName({ value }: SizeReference, frame: Frame): boolean {
  const word = bareName(value);
  const name =
    word ??
    spanText(value.span)
      .match(/\b[A-Z]\w*/g)
      ?.find((dim) => !isBound(dim, frame));
  if (name === undefined || isBound(name, frame)) return false;
  const { diagnostics } = frame.context;
  if (word === undefined) diagnostics.add(nameErrors.dimInSum(value.span, name), frame.calls);
  else if (frame.operands === undefined)
    diagnostics.add(nameErrors.unknownSize(value.span, name, frame.scope.names()), frame.calls);
  else return false;
  frame.scope.bind(name, undefined, value.span);
  return true;
}

const isBound = (name: string, frame: Frame): boolean => frame.scope.find(name) !== undefined;

/** `T <= ctx`: the bound of a run-time dim is kept for the run, a known size is compared now. */
function limit(size: SizeReference, found: Dim, frame: Frame): boolean {
  const kind = { name: "int", optional: false } as const;
  const bound = frame.context.walk.evaluateAs(size.bound!, kind, frame, "the bound of a dim");
  if (bound?.kind !== "number") return bound !== undefined;
  if (bound.value < 1) {
    frame.context.diagnostics.add(errors.boundNotPositive(size.bound!.span, bound.value), frame.calls);
    return false;
  }
  const known = constantDim(found);
  if (known !== undefined) {
    if (known <= bound.value) return true;
    frame.context.diagnostics.add(errors.dimAboveBound(size, known, bound.value), frame.calls);
    return false;
  }
  const { symbols } = frame.context.builder;
  const symbol = symbols.get(showDim(found));
  if (symbol !== undefined)
    symbols.set(symbol.name, { name: symbol.name, max: Math.min(symbol.max ?? Infinity, bound.value) });
  return true;
}

/** The type of an input of the model itself: capitals that are not bound yet are run-time dims. */
export function declareType(type: TypeReference, frame: Frame): TensorType | undefined {
  const dtype = dtypeOf(type);
  const dims = (type.dims ?? []).map((size) => declareDim(size, frame));
  if (dtype === "unknown" || !dims.every((size) => size !== undefined)) return undefined;
  try {
    checkShape(dims);
  } catch (error) {
    if (!(error instanceof DimTooLarge)) throw error;
    frame.context.diagnostics.add(tooLarge(type.span, "the number of elements", error), frame.calls);
    return undefined;
  }
  return { dtype: dtype ?? "f32", shape: dims };
}

function declareDim(size: DimReference, frame: Frame): Dim | undefined {
  if (size.kind === "rest") {
    frame.context.diagnostics.add(errors.restInModel(size.span), frame.calls);
    return undefined;
  }
  const name = bareName(size.value);
  if (name !== undefined && /^[A-Z]/.test(name) && frame.scope.find(name) === undefined) {
    frame.context.builder.symbols.set(name, { name });
    frame.scope.bind(name, fromDim(symbolDim(name)), size.value.span);
  }
  const found = evaluateSize(size, frame);
  if (found === undefined) return undefined;
  frame.context.observe?.(size.span, { kind: "size", size: found });
  const known = constantDim(found);
  if (known !== undefined && known < 1) {
    frame.context.diagnostics.add(errors.dimNotPositive(size.span, known), frame.calls);
    return undefined;
  }
  return size.bound === undefined || limit(size, found, frame) ? found : undefined;
}

/** A word that is no dtype has been reported by the parser. */
function dtypeOf(type: TypeReference): Dtype | undefined | "unknown" {
  if (type.dtype === undefined) return undefined;
  return isDtype(type.dtype.text) ? type.dtype.text : "unknown";
}

/** Binds the dims that a refused type would have bound, so that nobody complains twice. */
export function poisonDims(type: TypeReference, frame: Frame): void {
  for (const size of type.dims ?? []) {
    if (size.kind === "rest") continue;
    const name = bareName(size.value);
    if (name !== undefined && /^[A-Z]/.test(name) && frame.scope.find(name) === undefined)
      frame.scope.bind(name, undefined, size.value.span);
  }
}

/** The shape of a type whose dims are all bound by now; undefined otherwise. */
export function boundShape(type: TypeReference, frame: Frame): readonly Dim[] | undefined {
  const dims = (type.dims ?? []).map((size) => {
    if (size.kind === "rest") return undefined;
    const name = bareName(size.value);
    const isOpen = name !== undefined && /^[A-Z]/.test(name) && frame.scope.find(name) === undefined;
    return isOpen ? undefined : evaluateSize(size, frame);
  });
  return dims.every((size) => size !== undefined) ? dims : undefined;
}
