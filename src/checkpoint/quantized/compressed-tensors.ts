import { isFloat, isInteger } from "../../tensor/dtype.ts";
import { Problem, showSizes } from "../problem.ts";
import {
  field,
  floatsOf,
  integersOf,
  published,
  type GridSizes,
  type Parts,
  type Published,
} from "./grid.ts";

/*
 * The forms of compressed-tensors, which vLLM and transformers read (github.com/vllm-project/compressed-tensors):
 * `int-quantized`, X.weight I8 with X.weight_scale, and `pack-quantized`, X.weight_packed I32 with codes of 4 or 8 bits, the
 * lowest first, half of their range added. Scales are [N, groups], [N, 1], [N] or one.
 */

/** Columns that share a scale, and whether all rows have one scale. */
function groupOf(columns: number, rows: number, scale: readonly number[]): number | undefined {
  const count = scale.reduce((product, size) => product * size, 1);
  if (count === 1 || count === rows) return columns;
  const groups = scale[1] ?? 0;
  return scale[0] === rows && columns % groups === 0 ? columns / groups : undefined;
}

const scaleProblem = (name: string, shape: readonly number[], scale: readonly number[]): Problem =>
  new Problem(
    "E725",
    `${name}, ${showSizes(shape)}, has scales ${showSizes(scale)}, which are neither one a row nor one a group`,
    "was the checkpoint written whole?",
  );

/** X.weight of whole numbers with X.weight_scale; undefined for a weight of floats, or without scales. */
export function plainIntegers(parts: Parts, name: string): Published | Problem | undefined {
  const [weight, scale, zeros] = ["weight", "weight_scale", "weight_zero_point"].map((part) =>
    parts.get(part),
  );
  if (weight === undefined || scale === undefined || weight.dtype !== "i8" || weight.shape.length !== 2)
    return undefined;
  // Scales of 8 bits stand beside numbers of 4, two in a byte.
  if (!isFloat(scale.dtype)) return scaleProblem(name, weight.shape, scale.shape);
  const [rows, columns] = weight.shape as [number, number];
  const group = groupOf(columns, rows, scale.shape);
  if (group === undefined) return scaleProblem(name, weight.shape, scale.shape);
  const sizes: GridSizes = { rows, columns, bits: 8, group, hasZeros: zeros !== undefined };
  const place = placeIn(scale.shape, columns / group);
  const read = () => {
    const [codes, scales] = [integersOf(weight), floatsOf(scale)];
    const points = zeros && integersOf(zeros);
    return {
      ...sizes,
      code: (row: number, column: number) => codes[row * columns + column]!,
      scale: (row: number, at: number) => scales[place(row, at)]!,
      zero: points && ((row: number, at: number) => points[place(row, at)]!),
    };
  };
  return published(sizes, read, name);
}

/** Where the scale of a group stands: one for all, or one a group. */
const placeIn = (shape: readonly number[], groups: number): ((row: number, at: number) => number) =>
  shape.every((size) => size === 1) ? () => 0 : (row, at) => row * groups + at;

/** X.weight_packed with X.weight_scale, X.weight_shape, and zero points that are packed along the rows. */
export function packedIntegers(parts: Parts, name: string): Published | Problem | undefined {
  const [packed, scale, shape, zeros, order] = [
    ...["weight_packed", "weight_scale", "weight_shape", "weight_zero_point", "weight_g_idx"],
  ].map((part) => parts.get(part));
  if (packed === undefined) return undefined;
  if (scale === undefined || shape === undefined || packed.dtype !== "i32" || !isInteger(shape.dtype))
    return new Problem(
      "E725",
      `${name}: packed codes need ${scale === undefined ? "weight_scale" : "words of 32 bits and weight_shape"} beside them`,
      "was the checkpoint written whole?",
    );
  const [rows, columns] = integersOf(shape) as unknown as [number, number];
  const bits = ((packed.shape[1] ?? 0) * 32) / columns;
  const group = groupOf(columns, rows, scale.shape);
  if ((bits !== 4 && bits !== 8) || packed.shape[0] !== rows)
    return new Problem(
      "E725",
      `${name}: words ${showSizes(packed.shape)} are no codes of 4 or 8 bits of ${showSizes([rows, columns])}`,
      "convert the checkpoint to f32, f16 or bf16",
    );
  if (group === undefined) return scaleProblem(name, [rows, columns], scale.shape);
  if (order !== undefined && !isInOrder(integersOf(order), group)) return unordered(name);
  const half = 2 ** (bits - 1);
  const sizes: GridSizes = { rows, columns, bits, group, hasZeros: bits === 4 || zeros !== undefined };
  const place = placeIn(scale.shape, columns / group);
  const read = () => {
    const [words, scales] = [integersOf(packed), floatsOf(scale)];
    const points = zeros && integersOf(zeros);
    const groups = columns / group;
    // Zero points of 8 rows, or 4, are one word: [rows / 8, groups]; both have half of their range added.
    const zeroOf = (row: number, at: number): number => {
      if (points === undefined) return half;
      const perWord = 32 / bits;
      const word = points[Math.floor(row / perWord) * groups + at]!;
      return (word >>> (bits * (row % perWord))) & (2 ** bits - 1);
    };
    return {
      ...sizes,
      code: (row: number, column: number) => {
        const code = field(words, bits, row * columns + column);
        return bits === 8 ? code - half : code;
      },
      scale: (row: number, at: number) => scales[place(row, at)]!,
      zero: (row: number, at: number) => zeroOf(row, at) - (bits === 8 ? half : 0),
    };
  };
  return published(sizes, read, name);
}

/** Whether column k is in group ⌊k / group⌋ for all k. */
export const isInOrder = (order: Int32Array, group: number): boolean =>
  order.every((at, column) => at === Math.floor(column / group) || at === -1);

export const unordered = (name: string): Problem =>
  new Problem(
    "E725",
    `${name} was quantized with its columns out of order (act-order: g_idx does not count up)`,
    "take a checkpoint that was made without act-order, or convert it to f16",
  );
