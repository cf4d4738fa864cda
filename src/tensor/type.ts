import type { Dtype } from "./dtype.ts";
import { constantDim, dim, productOfDims, sameDim, showDim, type Dim } from "./dim.ts";

export type Shape = readonly Dim[];

/** What is known of a tensor before the model runs. */
export interface TensorType {
  readonly dtype: Dtype;
  readonly shape: Shape;
}

/** `f32(B, T, 768)`; numbers become dims. */
export const tensorType = (dtype: Dtype, ...shape: readonly (Dim | number)[]): TensorType => ({
  dtype,
  shape: shape.map((size) => (typeof size === "number" ? dim(size) : size)),
});

/** `f32[B, T, 768]`; a scalar is `f32[]`. */
export const showType = (type: TensorType): string => `${type.dtype}${showShape(type.shape)}`;

export const showShape = (shape: Shape): string => `[${shape.map(showDim).join(", ")}]`;

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((size, axis) => sameDim(size, b[axis]));

export const sameType = (a: TensorType, b: TensorType): boolean =>
  a.dtype === b.dtype && sameShape(a.shape, b.shape);

/** The number of elements. */
export const elementsOf = (type: TensorType): Dim => productOfDims(type.shape);

/**
 * NumPy's broadcast of two shapes: aligned at the last axis, a size of 1 stretches.
 * Undefined if two sizes differ; sizes that differ as polynomials count as different.
 */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const s = a[axis - rank + a.length] ?? dim(1);
    const t = b[axis - rank + b.length] ?? dim(1);
    if (sameDim(s, t) || constantDim(t) === 1) shape.push(s);
    else if (constantDim(s) === 1) shape.push(t);
    else return undefined;
  }
  return shape;
}
