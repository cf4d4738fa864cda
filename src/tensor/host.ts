import { invariant } from "../support/invariant.ts";
import { isFloat, type Dtype } from "./dtype.ts";

/** Elements in memory as the interpreter holds them: every float in float64, integers in 32 bits, bool as 0 and 1. */
export type HostData = Float64Array | Int32Array | Uint8Array;

/** A tensor with its elements, row-major and dense. The type that goldens, files and the interpreter exchange. */
export interface HostTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: HostData;
}

export const sizeOf = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/** Storage for `size` elements of a dtype, all zero. */
export function makeData(dtype: Dtype, size: number): HostData {
  if (isFloat(dtype)) return new Float64Array(size);
  return dtype === "bool" ? new Uint8Array(size) : new Int32Array(size);
}

/** A tensor from its elements; the number of elements must fit the shape. */
export function hostTensor(dtype: Dtype, shape: readonly number[], values: ArrayLike<number>): HostTensor {
  invariant(values.length === sizeOf(shape), `${values.length} elements do not fill [${shape.join(", ")}]`);
  const data = makeData(dtype, values.length);
  data.set(values);
  return { dtype, shape, data };
}

/** Element strides of a dense row-major tensor. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}
