import { constantDim, dim, productOfDims, type Dim } from "../../tensor/dim.ts";
import { isFloat, roundTo, type Dtype } from "../../tensor/dtype.ts";
import { showShape, tensorType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { firstOf, shapeIsNotNegative, sizeIsNotNegative, wholeAtLeast } from "./check.ts";

type Types = readonly TensorType[] | Mismatch;

export function inferConstant(attrs: {
  readonly dtype: Dtype;
  readonly shape: readonly Dim[];
  readonly values: readonly number[];
}): Types {
  const { dtype, shape, values } = attrs;
  const wrong = shapeIsNotNegative("shape", shape);
  if (wrong !== undefined) return wrong;
  const size = constantDim(productOfDims(shape));
  if (size === undefined || shape.some((each) => constantDim(each) === undefined))
    return new Mismatch("shape", `a constant needs sizes known at compile time, got ${showShape(shape)}`);
  if (size !== values.length)
    return new Mismatch("values", `expected ${size} values for ${showShape(shape)}, got ${values.length}`);
  return holdsAll("values", dtype, values) ?? [{ dtype, shape }];
}

/** A tensor of whole numbers would hold another number than what passes take the attribute for. */
function holdsAll(name: string, dtype: Dtype, values: readonly number[]): Mismatch | undefined {
  const odd = isFloat(dtype) ? undefined : values.find((value) => roundTo(dtype, value) !== value);
  return odd === undefined ? undefined : new Mismatch(name, `${dtype} has no ${odd}`);
}

export const inferFull = (attrs: {
  readonly dtype: Dtype;
  readonly shape: readonly Dim[];
  readonly value: number;
}): Types =>
  shapeIsNotNegative("shape", attrs.shape) ??
  holdsAll("value", attrs.dtype, [attrs.value]) ?? [{ dtype: attrs.dtype, shape: attrs.shape }];

export const inferIota = ({ size, start }: { readonly size: Dim; readonly start: Dim }): Types =>
  firstOf(sizeIsNotNegative("size", size), sizeIsNotNegative("start", start)) ?? [tensorType("i32", size)];

/** Half of the buckets tell the sides apart unless causal; half of the rest are one distance wide. */
export function inferRelativeBucket(attrs: {
  readonly rows: Dim;
  readonly columns: Dim;
  readonly buckets: number;
  readonly far: number;
  readonly causal: boolean;
  readonly row_start: Dim;
  readonly column_start: Dim;
}): Types {
  const { rows, columns, buckets, far, causal } = attrs;
  const near = Math.floor((causal ? buckets : Math.floor(buckets / 2)) / 2);
  return (
    firstOf(
      sizeIsNotNegative("rows", rows),
      sizeIsNotNegative("columns", columns),
      sizeIsNotNegative("row_start", attrs.row_start),
      sizeIsNotNegative("column_start", attrs.column_start),
      wholeAtLeast("buckets", buckets, causal ? 2 : 4),
      wholeAtLeast("far", far, near + 1),
    ) ?? [tensorType("i32", rows, columns)]
  );
}

/** One axis of `size`: what topk and spread leave. */
export const withLastAxis = (type: TensorType, size: number, dtype = type.dtype): TensorType => ({
  dtype,
  shape: [...type.shape.slice(0, -1), dim(size)],
});
