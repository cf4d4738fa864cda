import type { Dtype } from "../../tensor/dtype.ts";
import { roundTo } from "../../tensor/dtype.ts";
import { makeData, sizeOf, stridesOf, type HostTensor } from "../../tensor/host.ts";
import { aroundAxis, offsetsBy, stretchedStrides } from "./index-walk.ts";

/** The elements at Σ index · stride for each index of `shape`. */
function gather(x: HostTensor, shape: readonly number[], strides: readonly number[], start = 0): HostTensor {
  const offsets = offsetsBy(shape, strides, start);
  const data = makeData(x.dtype, offsets.length);
  for (let i = 0; i < data.length; i++) data[i] = x.data[offsets[i]!]!;
  return { dtype: x.dtype, shape, data };
}

export function evaluatePermute(x: HostTensor, axes: readonly number[]): HostTensor {
  const strides = stridesOf(x.shape);
  return gather(
    x,
    axes.map((axis) => x.shape[axis]!),
    axes.map((axis) => strides[axis]!),
  );
}

export const evaluateBroadcast = (x: HostTensor, shape: readonly number[]): HostTensor =>
  gather(x, shape, stretchedStrides(x.shape, shape));

export function evaluateSlice(x: HostTensor, axis: number, start: number, size: number): HostTensor {
  const strides = stridesOf(x.shape);
  return gather(x, x.shape.with(axis, size), strides, start * strides[axis]!);
}

export function evaluateWrite(x: HostTensor, part: HostTensor, axis: number, start: number): HostTensor {
  const data = x.data.slice();
  const strides = stridesOf(x.shape);
  const places = offsetsBy(part.shape, strides, start * strides[axis]!);
  for (let i = 0; i < places.length; i++) data[places[i]!] = part.data[i]!;
  return { ...x, data };
}

export function evaluateConcat(values: readonly HostTensor[], axis: number): HostTensor {
  const [first] = values as readonly [HostTensor];
  const total = values.reduce((sum, value) => sum + value.shape[axis]!, 0);
  const shape = first.shape.with(axis, total);
  const data = makeData(first.dtype, sizeOf(shape));
  const { outer, inner } = aroundAxis(shape, axis);
  let done = 0;
  for (const value of values) {
    const run = value.shape[axis]! * inner;
    for (let block = 0; block < outer; block++)
      data.set(value.data.subarray(block * run, (block + 1) * run), block * total * inner + done);
    done += run;
  }
  return { dtype: first.dtype, shape, data };
}

/** Rounds to half precision, to whole numbers and to truth; float32 stays float64, as everywhere in the oracle. */
export function evaluateCast(x: HostTensor, dtype: Dtype): HostTensor {
  const data = makeData(dtype, x.data.length);
  const keep = dtype === "f32" || dtype === "f64";
  for (let i = 0; i < data.length; i++) data[i] = keep ? x.data[i]! : roundTo(dtype, x.data[i]!);
  return { dtype, shape: x.shape, data };
}
