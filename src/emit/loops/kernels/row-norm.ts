import type { RowNormKind } from "../../../ops/evaluate/norm.ts";
import type { Dtype } from "../../../tensor/dtype.ts";
import type { KernelBuilder } from "../builder.ts";
import type { Place } from "../place.ts";
import { apply, halved, minus, over, plus, root, times } from "../formula.ts";
import type { Expression, Name } from "../tree.ts";

/** A number of a row by its index. */
export type Row = (i: Name) => Expression;

interface Norm {
  readonly kind: RowNormKind;
  readonly eps: number;
  readonly width: Name;
}

/** The first sum over a row that a norm needs: of its elements, or of their squares. */
export interface FirstSum {
  readonly sum: Name;
  /** Adds an element to it, in lanes. */
  readonly take: (x: Expression) => void;
}

export function firstSum(k: KernelBuilder, kind: RowNormKind, prefix = ""): FirstSum {
  const sum = k.total(`${prefix}${kind === "layer" ? "total" : "squares"}`);
  return { sum, take: (x) => k.take(sum, kind === "layer" ? x : times(x, x)) };
}

/**
 * Statistics over the elements of a row, mean first and then the variance about it: one pass with E[x²] - E[x]² cancels
 * for a large mean with a small spread. Returns what makes an element a normalized one. `first` is the first sum where
 * it has been taken already; the names of several norms differ by `prefix`.
 */
export function statistics(
  k: KernelBuilder,
  { kind, eps, width }: Norm,
  row: Row,
  { prefix = "", first }: { readonly prefix?: string; readonly first?: FirstSum } = {},
): { readonly scale: Name; readonly normalized: (x: Expression) => Expression } {
  const { sum, take } = first ?? firstSum(k, kind, prefix);
  if (first === undefined) k.lanes("i", width, (i) => take(kind === "layer" ? row(i) : k.let("e", row(i))));
  const scaleOf = (size: Expression): Name => k.let(`${prefix}scale`, over(1, size));
  if (kind === "l2") {
    const scale = scaleOf(apply("max", root(sum), eps));
    return { scale, normalized: (x) => times(x, scale) };
  }
  if (kind === "rms") {
    const scale = scaleOf(root(plus(over(sum, width), eps)));
    return { scale, normalized: (x) => times(x, scale) };
  }
  const mean = k.let(`${prefix}mean`, over(sum, width));
  const squares = k.total(`${prefix}squares`);
  k.lanes("i", width, (i) => {
    const d = k.let("d", minus(row(i), mean));
    k.take(squares, times(d, d));
  });
  const scale = scaleOf(root(plus(over(squares, width), eps)));
  return { scale, normalized: (x) => times(minus(x, mean), scale) };
}

/** What a norm does to a normalized element. */
export interface Affine {
  readonly weight: Place | undefined;
  readonly bias: Place | undefined;
  readonly unitOffset: boolean;
}

/** normalized · weight + bias for element i, rounded where a half-precision model rounds. */
export function affine(
  normalized: Expression,
  { weight, bias, unitOffset }: Affine,
  i: Name,
  dtype: Dtype,
  cast: "before" | "after",
): Expression {
  const inner = cast === "before" && weight !== undefined ? halved(dtype, normalized) : normalized;
  const factor = weight && (unitOffset ? plus(1, weight.at(i)) : weight.at(i));
  const scaled = factor === undefined ? inner : times(inner, factor);
  return halved(dtype, bias === undefined ? scaled : plus(scaled, bias.at(i)));
}
