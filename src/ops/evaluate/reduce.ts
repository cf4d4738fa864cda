import { makeData, sizeOf, stridesOf, type HostTensor } from "../../tensor/host.ts";
import { aroundAxis, offsetsBy } from "./index-walk.ts";
import { EvaluationError } from "./error.ts";

type Fold = (sum: number, element: number) => number;

/** Folds axes, elements in row-major order, starting from `start`. */
export function evaluateReduction(
  x: HostTensor,
  { axes, keep }: { readonly axes: readonly number[]; readonly keep: boolean },
  start: number,
  fold: Fold,
): HostTensor {
  const folded = new Set(axes);
  const kept = x.shape.map((size, axis) => (folded.has(axis) ? 1 : size));
  const strides = stridesOf(kept).map((stride, axis) => (folded.has(axis) ? 0 : stride));
  const target = offsetsBy(x.shape, strides);
  const data = makeData(x.dtype, sizeOf(kept)).fill(start);
  for (let i = 0; i < target.length; i++) data[target[i]!] = fold(data[target[i]!]!, x.data[i]!);
  return { dtype: x.dtype, shape: keep ? kept : kept.filter((_, axis) => !folded.has(axis)), data };
}

export function evaluateMean(
  x: HostTensor,
  attrs: { readonly axes: readonly number[]; readonly keep: boolean },
): HostTensor {
  const sum = evaluateReduction(x, attrs, 0, (a, b) => a + b);
  const count = sizeOf(attrs.axes.map((axis) => x.shape[axis]!));
  return { ...sum, data: sum.data.map((element) => element / count) };
}

/** The smallest or largest element; integers start from their own end, as they have no infinity. */
export function evaluateExtreme(
  x: HostTensor,
  attrs: { readonly axes: readonly number[]; readonly keep: boolean },
  sign: 1 | -1,
): HostTensor {
  const least = x.data instanceof Float64Array ? -Infinity : -(2 ** 31);
  const start = sign === 1 ? least : -least - (x.data instanceof Float64Array ? 0 : 1);
  return evaluateReduction(x, attrs, start, sign === 1 ? Math.max : Math.min);
}

export function evaluateCumsum(x: HostTensor, axis: number): HostTensor {
  const { size, inner } = aroundAxis(x.shape, axis);
  const data = x.data.slice();
  for (let i = 0; i < data.length; i++)
    if (Math.floor(i / inner) % size !== 0) data[i] = data[i]! + data[i - inner]!;
  return { ...x, data };
}

/** Largest first; of equal elements the first; NaN before everything, as torch.topk has it. */
export function evaluateTopk(x: HostTensor, k: number): readonly HostTensor[] {
  const width = x.shape.at(-1)!;
  const rows = sizeOf(x.shape.slice(0, -1));
  const shape = [...x.shape.slice(0, -1), k];
  const values = makeData(x.dtype, rows * k);
  const indices = new Int32Array(rows * k);
  for (let row = 0; row < rows; row++) {
    const at = (i: number): number => x.data[row * width + i]!;
    const above = (a: number, b: number): boolean => a > b || (Number.isNaN(a) && !Number.isNaN(b));
    const order = Array.from({ length: width }, (_, i) => i).sort((i, j) =>
      above(at(i), at(j)) ? -1 : above(at(j), at(i)) ? 1 : i - j,
    );
    for (let i = 0; i < k; i++) {
      values[row * k + i] = at(order[i]!);
      indices[row * k + i] = order[i]!;
    }
  }
  return [
    { dtype: x.dtype, shape, data: values },
    { dtype: "i32", shape, data: indices },
  ];
}

export function evaluateSpread(values: HostTensor, indices: HostTensor, size: number): HostTensor {
  const count = values.shape.at(-1)!;
  const shape = [...values.shape.slice(0, -1), size];
  const data = makeData(values.dtype, sizeOf(shape));
  for (let i = 0; i < values.data.length; i++) {
    const index = indices.data[i]!;
    if (index < 0 || index >= size)
      throw new EvaluationError(`the index ${index} has no place in an axis of ${size}`);
    data[Math.floor(i / count) * size + index] = values.data[i]!;
  }
  return { dtype: values.dtype, shape, data };
}

export function evaluateTake(x: HostTensor, indices: HostTensor): HostTensor {
  const [size, count] = [x.shape.at(-1)!, indices.shape.at(-1)!];
  const data = makeData(x.dtype, indices.data.length);
  for (let i = 0; i < data.length; i++) {
    const index = indices.data[i]!;
    if (index < 0 || index >= size)
      throw new EvaluationError(`the index ${index} has no place in an axis of ${size}`);
    data[i] = x.data[Math.floor(i / count) * size + index]!;
  }
  return { dtype: x.dtype, shape: indices.shape, data };
}

/** log Σ e^x of every row along an axis, and each element less it. */
export function evaluateLogSoftmax(x: HostTensor, axis: number): HostTensor {
  const { outer, size, inner } = aroundAxis(x.shape, axis);
  const data = new Float64Array(x.data.length);
  for (let block = 0; block < outer; block++)
    for (let run = 0; run < inner; run++) {
      const at = (i: number): number => (block * size + i) * inner + run;
      let largest = -Infinity;
      for (let i = 0; i < size; i++) largest = Math.max(largest, x.data[at(i)]!);
      let sum = 0;
      for (let i = 0; i < size; i++) sum += Math.exp(x.data[at(i)]! - largest);
      for (let i = 0; i < size; i++) data[at(i)] = x.data[at(i)]! - largest - Math.log(sum);
    }
  return { ...x, data };
}

export function evaluateSoftmax(x: HostTensor, axis: number): HostTensor {
  const logarithms = evaluateLogSoftmax(x, axis);
  return { ...logarithms, data: logarithms.data.map(Math.exp) };
}
