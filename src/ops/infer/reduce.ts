import { constantDim, dim, sameDim, showDim } from "../../tensor/dim.ts";
import { sameShape, showShape, showType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import {
  axisFromStart,
  axisWithin,
  firstOf,
  floatElements,
  integerElements,
  numberElements,
  rankAtLeast,
  wholeAtLeast,
} from "./check.ts";
import { withLastAxis } from "./create.ts";

type Types = readonly TensorType[] | Mismatch;

/** Sums and extremes of numbers; means of floats only. */
export function inferReduction(
  x: TensorType,
  { axes, keep }: { readonly axes: readonly number[]; readonly keep: boolean },
  elements: "numbers" | "floats",
): Types {
  const wrong = firstOf(
    elements === "floats" ? floatElements("x", x) : numberElements("x", x),
    ...axes.map((axis) => axisWithin("axes", axis, x)),
  );
  if (wrong !== undefined) return wrong;
  const folded = new Set(axes);
  if (folded.size !== axes.length) return new Mismatch("axes", `[${axes.join(", ")}] names an axis twice`);
  const shape = keep
    ? x.shape.map((size, axis) => (folded.has(axis) ? dim(1) : size))
    : x.shape.filter((_, axis) => !folded.has(axis));
  return [{ dtype: x.dtype, shape }];
}

export const inferCumsum = (x: TensorType, axis: number): Types =>
  firstOf(numberElements("x", x), axisWithin("axis", axis, x)) ?? [x];

export function inferTopk(x: TensorType, k: number): Types {
  const wrong = firstOf(numberElements("x", x), rankAtLeast("x", x, 1), wholeAtLeast("k", k, 1));
  if (wrong !== undefined) return wrong;
  const width = x.shape.at(-1)!;
  if (k > (constantDim(width) ?? k))
    return new Mismatch("k", `cannot take ${k} of ${showDim(width)} elements of ${showType(x)}`);
  return [withLastAxis(x, k), withLastAxis(x, k, "i32")];
}

export function inferSpread(values: TensorType, indices: TensorType, size: number): Types {
  const wrong = firstOf(
    rankAtLeast("values", values, 1),
    integerElements("indices", indices),
    wholeAtLeast("size", size, 1),
  );
  if (wrong !== undefined) return wrong;
  if (!sameShape(values.shape, indices.shape))
    return new Mismatch(
      "indices",
      `expected the shape of values, ${showType(values)}, got ${showType(indices)}`,
    );
  const count = values.shape.at(-1)!;
  if (size < (constantDim(count) ?? 0))
    return new Mismatch("size", `${showDim(count)} values do not fit in ${size} places`);
  return [withLastAxis(values, size)];
}

export function inferTake(x: TensorType, indices: TensorType): Types {
  const wrong = firstOf(rankAtLeast("x", x, 1), integerElements("indices", indices));
  if (wrong !== undefined) return wrong;
  const fits =
    x.shape.length === indices.shape.length &&
    x.shape.slice(0, -1).every((size, axis) => sameDim(size, indices.shape[axis]));
  if (!fits)
    return new Mismatch(
      "indices",
      `expected the leading axes of x, ${showShape(x.shape.slice(0, -1))}, got ${showType(indices)}`,
    );
  return [{ dtype: x.dtype, shape: indices.shape }];
}

/** softmax and log_softmax; the axis may count from the end. */
export function inferSoftmax(x: TensorType, axis: number): Types {
  const wrong = floatElements("x", x);
  if (wrong !== undefined) return wrong;
  if (axisFromStart(axis, x.shape.length) === undefined)
    return new Mismatch("axis", `there is no axis ${axis} in ${showType(x)}`);
  return [x];
}
