import { largest } from "../../support/lists.ts";
import { constantDim, type Dim } from "../../tensor/dim.ts";
import { sizeOf, stridesOf, type HostTensor } from "../../tensor/host.ts";
import { invariant } from "../../support/invariant.ts";

/** The size that a dim has when a graph runs: whoever evaluates an op has put numbers for its symbols. */
export function sizeOfDim(a: Dim): number {
  const size = constantDim(a);
  invariant(size !== undefined, `the size ${a.key} is not bound`);
  return size;
}

export const sizesOf = (shape: readonly Dim[]): number[] => shape.map(sizeOfDim);

/** The shape that shapes have together; the types fit already. */
export function broadcastSizes(shapes: readonly (readonly number[])[]): number[] {
  const rank = largest(
    shapes.map((shape) => shape.length),
    0,
  );
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    return sizes.find((size) => size !== 1) ?? 1;
  });
}

/** Strides of a dense tensor seen under a wider shape: stretched axes do not move. */
export function stretchedStrides(shape: readonly number[], wide: readonly number[]): number[] {
  const own = stridesOf(shape);
  return wide.map((_, axis) => {
    const at = axis - wide.length + shape.length;
    return at < 0 || shape[at] === 1 ? 0 : own[at]!;
  });
}

/** For each index of `shape` in row-major order, Σ index · stride. */
export function offsetsBy(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  const offsets = new Int32Array(sizeOf(shape));
  const index = shape.map(() => 0);
  let offset = start;
  for (let i = 0; i < offsets.length; i++) {
    offsets[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      offset -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return offsets;
}

/** Where each element of the wide shape stands in a tensor that stretches to it. */
export const stretchedOffsets = (shape: readonly number[], wide: readonly number[]): Int32Array =>
  offsetsBy(wide, stretchedStrides(shape, wide));

/** The elements of a tensor that stretches to a shape, as float64. */
export function stretched(tensor: HostTensor, wide: readonly number[]): Float64Array {
  if (tensor.data instanceof Float64Array && sizeOf(tensor.shape) === sizeOf(wide)) return tensor.data;
  const offsets = stretchedOffsets(tensor.shape, wide);
  return Float64Array.from(offsets, (offset) => tensor.data[offset]!);
}

/** An axis cuts a dense tensor into `outer` blocks of `size` runs of `inner` elements. */
export function aroundAxis(
  shape: readonly number[],
  axis: number,
): { readonly outer: number; readonly size: number; readonly inner: number } {
  const at = axis < 0 ? axis + shape.length : axis;
  return { outer: sizeOf(shape.slice(0, at)), size: shape[at]!, inner: sizeOf(shape.slice(at + 1)) };
}
