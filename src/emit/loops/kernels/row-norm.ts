import type { RowNormKind } from "../../../ops/evaluate/norm.ts";
import type { Dtype } from "../../../tensor/dtype.ts";
import type { KernelBuilder } from "../builder.ts";
import type { Place } from "../place.ts";
import { apply, halved, less, minus, number, over, plus, root, times } from "../formula.ts";
import type { Expression, Name } from "../tree.ts";

/** A number of a row by its index. */
export type Row = (i: Expression) => Expression;

interface Norm {
  readonly kind: RowNormKind;
  readonly eps: number;
  readonly width: Name;
}

/** The statistics of a row while its elements are gone through for the first time. */
export interface Statistics {
  /** Takes an element in, in lanes. */
  readonly take: (x: Expression) => void;
  /** After all of them; `row` gives them again. */
  readonly finish: (row: Row) => Normalized;
}

interface Normalized {
  readonly scale: Name;
  /** What makes an element of the row a normalized one. */
  readonly normalized: (x: Expression) => Expression;
}

/** How far a row's first element may be from its mean: the square of three standard deviations. */
const FAR = 9;

/** The statistics of a row, which is gone through for nothing else. The names of several norms differ by `prefix`. */
export function statistics(k: KernelBuilder, norm: Norm, row: Row, prefix = ""): Normalized {
  const { take, finish } = beginStatistics(k, norm, row, prefix);
  k.lanes("i", norm.width, (i) => take(norm.kind === "layer" ? row(i) : k.let("e", row(i))));
  return finish(row);
}

export function beginStatistics(k: KernelBuilder, norm: Norm, row: Row, prefix = ""): Statistics {
  return norm.kind === "layer" ? aboutCentre(k, norm, row, prefix) : aboutZero(k, norm, prefix);
}

/** Root mean square, or length. */
function aboutZero(k: KernelBuilder, { kind, eps, width }: Norm, prefix: string): Statistics {
  const squares = k.total(`${prefix}squares`);
  return {
    take: (x) => k.take(squares, times(x, x)),
    finish: () => {
      const size = kind === "l2" ? apply("max", root(squares), eps) : root(plus(over(squares, width), eps));
      const scale = k.let(`${prefix}scale`, over(1, size));
      return { scale, normalized: (x) => times(x, scale) };
    },
  };
}

/**
 * Mean and variance in one pass, of the deviations d from a number of the row's own, its first: mean = centre + E[d],
 * variance = E[d²] - E[d]². What is lost is what the sums lose times 1 + (mean - centre)² / variance, at most `FAR` + 1: where the first
 * is farther off, a second pass goes about the mean (Chan, Golub and LeVeque 1983, "Algorithms for computing the
 * sample variance", the shifted and the corrected two-pass algorithm). A large mean is in no sum, and nothing is lost by rounding
 * it: an element's difference from its neighbour is exact, and what the centre is off by is taken away after the scale.
 */
function aboutCentre(k: KernelBuilder, { eps, width }: Norm, row: Row, prefix: string): Statistics {
  const named = (name: string): string => `${prefix}${name}`;
  const centre = k.total(named("centre"));
  k.take(centre, row(number(0)));
  const [deviations, squares] = [k.total(named("deviations")), k.total(named("squares"))];
  const take = (x: Expression): void => {
    const d = k.let("d", minus(x, centre));
    k.take(deviations, d);
    k.take(squares, times(d, d));
  };
  return {
    take,
    finish: (again) => {
      const isFar = less(times(FAR, width, squares), times(FAR + 1, deviations, deviations));
      k.when(isFar, () => {
        k.note("The first is far from the others: once more, about the mean.");
        k.take(centre, over(deviations, width));
        k.restart(deviations);
        k.restart(squares);
        k.lanes("i", width, (i) => take(again(i)));
      });
      const offset = k.let(named("offset"), over(deviations, width));
      const variance = k.let(named("variance"), minus(over(squares, width), times(offset, offset)));
      const scale = k.let(named("scale"), over(1, root(plus(variance, eps))));
      const rest = k.let(named("rest"), times(apply("neg", offset), scale));
      return { scale, normalized: (x) => plus(times(minus(x, centre), scale), rest) };
    },
  };
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
  i: Expression,
  dtype: Dtype,
  cast: "before" | "after",
): Expression {
  const inner = cast === "before" && weight !== undefined ? halved(dtype, normalized) : normalized;
  const factor = weight && (unitOffset ? plus(1, weight.at(i)) : weight.at(i));
  const scaled = factor === undefined ? inner : times(inner, factor);
  return halved(dtype, bias === undefined ? scaled : plus(scaled, bias.at(i)));
}
