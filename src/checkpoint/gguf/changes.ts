import { dtypeBytes } from "../../tensor/dtype.ts";
import { sizeOf } from "../../tensor/host.ts";
import type { QuantizedTensor } from "../../tensor/quantized.ts";
import { partRanges } from "../../weights/ranges.ts";
import type { CheckpointTensor } from "../match.ts";
import { partsOf, type ReadPart } from "../parts.ts";
import { toFloat32 } from "../stored.ts";

/**
 * What llama.cpp's converter does to the values of some tensors, undone. A tensor that is changed is read when it is asked
 * for, as before.
 */
export type Change = (tensor: CheckpointTensor) => CheckpointTensor;

/** The row of the file that a row of the published tensor is. */
type RowOf = (row: number) => number;

/**
 * Takes the rows of a tensor (the elements of a bias) in another order, as codes and scales too where it has such. One that
 * has not so many rows stays as it is, for the model to refuse its shape.
 */
function reorderRows(tensor: CheckpointTensor, unit: number, rowOf: RowOf): CheckpointTensor {
  const { dtype, shape, read, quantized } = tensor;
  const rows = shape[0] ?? 0;
  if (rows === 0 || rows % unit !== 0) return tensor;
  const reordered: CheckpointTensor = {
    dtype,
    shape,
    read: () => {
      const { bytes } = read();
      return { dtype, shape, bytes: inOrder(bytes, rows, rowOf) };
    },
  };
  if (quantized === undefined) return reordered;
  return {
    ...reordered,
    quantized: {
      form: quantized.form,
      read: () => quantizedInOrder(quantized.read(), rows, rowOf),
    },
  };
}

function quantizedInOrder(tensor: QuantizedTensor, rows: number, rowOf: RowOf): QuantizedTensor {
  const { codes, scales, minimums } = tensor;
  return {
    ...tensor,
    codes: inOrder(codes, rows, rowOf),
    scales: inOrder(scales, rows, rowOf),
    ...(minimums === undefined ? {} : { minimums: inOrder(minimums, rows, rowOf) }),
  };
}

function inOrder<T extends Uint8Array | Float32Array>(values: T, rows: number, rowOf: RowOf): T {
  const width = values.length / rows;
  const ordered = values.slice() as T;
  for (let row = 0; row < rows; row++) {
    const from = rowOf(row) * width;
    ordered.set(values.subarray(from, from + width), row * width);
  }
  return ordered;
}

/**
 * Llama's rotary pairs: where llama.cpp turns neighbouring channels, the rows of q and k of each head, published as two
 * halves [2, d/2], stand in the file as pairs [d/2, 2].
 */
export const halvesFromPairs =
  (heads: number): Change =>
  (tensor) => {
    const width = tensor.shape[0]! / heads;
    const half = width / 2;
    return reorderRows(tensor, 2 * heads, (row) => {
      const within = row % width;
      return row - within + (within % half) * 2 + Math.floor(within / half);
    });
  };

/** GPT-NeoX's q, k and v, published head by head [heads, 3, d], stand one behind the other [3, heads, d]. */
export const headByHead =
  (heads: number): Change =>
  (tensor) => {
    const width = tensor.shape[0]! / (3 * heads);
    return reorderRows(tensor, 3 * heads, (row) => {
      const [head, part] = [Math.floor(row / (3 * width)), Math.floor(row / width) % 3];
      return (part * heads + head) * width + (row % width);
    });
  };

/** Norms that multiply by 1 + w carry the 1. Taking it off again is exact for |w| of 2⁻¹⁶ and more. */
export const withoutOne: Change = ({ shape, read }) => ({
  dtype: "f32",
  shape,
  read: () => {
    const values = toFloat32(read());
    for (let index = 0; index < values.length; index++) values[index]! -= 1;
    return { dtype: "f32", shape, bytes: new Uint8Array(values.buffer) };
  },
});

/** What is published [in, out], matrices or stacks of them, and stands [out, in]; biases stay. */
export const transposed: Change = (tensor) => {
  const { dtype, shape, quantized } = tensor;
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined || columns === undefined || shape.length < 2) return tensor;
  const turnedShape = [...shape.slice(0, -2), columns, rows];
  const size = rows * columns;
  const [width, parts] = [dtypeBytes[dtype], partsOf(tensor)];
  // A part of a matrix takes all of it: the last that was asked for is at hand.
  let last: { readonly at: number; readonly bytes: Uint8Array } | undefined;
  const matrix = (at: number): Uint8Array => {
    if (last?.at !== at)
      last = { at, bytes: turned(parts(at * size, (at + 1) * size).bytes, rows, columns, width) };
    return last.bytes;
  };
  const readPart: ReadPart = (first, end) => {
    const bytes = new Uint8Array(width * (end - first));
    for (const { part, first: from, end: to } of partRanges(size, first, end))
      bytes.set(matrix(part).subarray(width * from, width * to), width * (part * size + from - first));
    if (end === sizeOf(shape)) last = undefined;
    return { dtype, shape: [end - first], bytes };
  };
  return {
    dtype,
    shape: turnedShape,
    read: () => ({ ...readPart(0, sizeOf(shape)), shape: turnedShape }),
    readPart,
    ...(quantized === undefined ? {} : { quantized: { ...quantized, isTransposed: true } }),
  };
};

function turned(bytes: Uint8Array, rows: number, columns: number, size: number): Uint8Array {
  const result = new Uint8Array(bytes.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      for (let byte = 0; byte < size; byte++)
        result[(column * rows + row) * size + byte] = bytes[(row * columns + column) * size + byte]!;
  return result;
}
