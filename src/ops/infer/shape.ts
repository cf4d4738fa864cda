import {
  addDims,
  constantDim,
  productOfDims,
  sameDim,
  showDim,
  subtractDims,
  type Dim,
} from "../../tensor/dim.ts";
import {
  broadcastShapes,
  elementsOf,
  sameShape,
  showShape,
  showType,
  type TensorType,
} from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { axisWithin, firstOf, sameDtype, shapeIsNotNegative, sizeIsNotNegative } from "./check.ts";

type Types = readonly TensorType[] | Mismatch;

export function inferReshape(x: TensorType, shape: readonly Dim[]): Types {
  const wrong = shapeIsNotNegative("shape", shape);
  if (wrong !== undefined) return wrong;
  if (sameDim(elementsOf(x), productOfDims(shape))) return [{ dtype: x.dtype, shape }];
  const [have, want] = [showDim(elementsOf(x)), showDim(productOfDims(shape))];
  return new Mismatch("shape", `${showType(x)} has ${have} elements, ${showShape(shape)} has ${want}`);
}

export function inferPermute(x: TensorType, axes: readonly number[]): Types {
  const expected = x.shape.map((_, axis) => axis);
  const sorted = axes.toSorted((a, b) => a - b);
  if (axes.length !== expected.length || expected.some((axis) => sorted[axis] !== axis))
    return new Mismatch("axes", `[${axes.join(", ")}] does not name each axis of ${showType(x)} once`);
  return [{ dtype: x.dtype, shape: axes.map((axis) => x.shape[axis]!) }];
}

export function inferBroadcast(x: TensorType, shape: readonly Dim[]): Types {
  const wrong = shapeIsNotNegative("shape", shape);
  if (wrong !== undefined) return wrong;
  const wide = broadcastShapes(x.shape, shape);
  if (wide === undefined || !sameShape(wide, shape))
    return new Mismatch("shape", `${showType(x)} does not stretch to ${showShape(shape)}`);
  return [{ dtype: x.dtype, shape }];
}

export function inferSlice(
  x: TensorType,
  { axis, start, size }: { readonly axis: number; readonly start: Dim; readonly size: Dim },
): Types {
  const wrong = firstOf(
    axisWithin("axis", axis, x),
    sizeIsNotNegative("start", start),
    sizeIsNotNegative("size", size),
  );
  if (wrong !== undefined) return wrong;
  const left = constantDim(subtractDims(x.shape[axis]!, addDims(start, size)));
  if (left !== undefined && left < 0)
    return new Mismatch(
      "size",
      `${showDim(size)} from ${showDim(start)} reaches past axis ${axis} of ${showType(x)}`,
    );
  return [{ dtype: x.dtype, shape: x.shape.with(axis, size) }];
}

export function inferWrite(
  x: TensorType,
  part: TensorType,
  { axis, start }: { readonly axis: number; readonly start: Dim },
): Types {
  const wrong = firstOf(
    axisWithin("axis", axis, x),
    sameDtype("part", part, "x", x),
    sizeIsNotNegative("start", start),
  );
  if (wrong !== undefined) return wrong;
  const fits =
    part.shape.length === x.shape.length &&
    part.shape.every((size, at) => at === axis || sameDim(size, x.shape[at]));
  if (!fits)
    return new Mismatch(
      "part",
      `expected the shape of ${showType(x)} but for axis ${axis}, got ${showType(part)}`,
    );
  const size = part.shape[axis]!;
  const left = constantDim(subtractDims(x.shape[axis]!, addDims(start, size)));
  if (left === undefined || left >= 0) return [x];
  return new Mismatch(
    "part",
    `${showDim(size)} from ${showDim(start)} reaches past axis ${axis} of ${showType(x)}`,
  );
}

export function inferConcat(values: readonly TensorType[], axis: number): Types {
  const [first, ...rest] = values;
  if (first === undefined) return new Mismatch("values", "expected at least one value");
  const outside = axisWithin("axis", axis, first);
  if (outside !== undefined) return outside;
  let size = first.shape[axis]!;
  for (const value of rest) {
    const wrong = sameDtype("values", value, "the first", first);
    if (wrong !== undefined) return wrong;
    const fits =
      value.shape.length === first.shape.length &&
      value.shape.every((each, at) => at === axis || sameDim(each, first.shape[at]));
    if (!fits)
      return new Mismatch(
        "values",
        `${showType(value)} does not join ${showType(first)} along axis ${axis}: the other axes must agree`,
      );
    size = addDims(size, value.shape[axis]!);
  }
  return [{ dtype: first.dtype, shape: first.shape.with(axis, size) }];
}
