import { ROW_UNIT, type QuantizedForm } from "../../tensor/quantized.ts";
import { quantizedTensor } from "../../tensor/whole-codes.ts";
import type { CheckpointTensor, StoredQuantized } from "../match.ts";
import { Problem, showSizes } from "../problem.ts";
import { toFloat32, toInt32 } from "../stored.ts";

/** The tensors of one weight, by how their names end. */
export type Parts = ReadonlyMap<string, CheckpointTensor>;

/** A weight as lmg has it: codes of a form that models keep, or what has no such form, decoded when it is read. */
export type Published =
  | { readonly shape: readonly number[]; readonly quantized: StoredQuantized }
  | { readonly decoded: CheckpointTensor };

/** Whole numbers of a tensor. */
export const integersOf = (tensor: CheckpointTensor): Int32Array => toInt32(tensor.read());

export const floatsOf = (tensor: CheckpointTensor): Float32Array => toFloat32(tensor.read());

/** A weight [rows, columns] as its library has it: codes that are read one by one, groups of columns that share a scale. */
export interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly bits: 4 | 8;
  readonly group: number;
  /** 8 bits: -128 to 127; 4 bits: 0 to 15. */
  readonly code: (row: number, column: number) => number;
  readonly scale: (row: number, group: number) => number;
  /** The code that stands for 0; undefined where that is 0 for all. */
  readonly zero: ((row: number, group: number) => number) | undefined;
}

/** What is known of a grid before it is read. */
export type GridSizes = Pick<Grid, "rows" | "columns" | "bits" | "group"> & { readonly hasZeros: boolean };

/** The block of the form: groups are blocks, or several of them. */
const blockOf = (group: number): 16 | 32 | undefined =>
  group % ROW_UNIT === 0 ? 32 : group === 16 ? 16 : undefined;

/** A grid as a quantized tensor; zero points become minimums. */
export function published(sizes: GridSizes, read: () => Grid, name: string): Published | Problem {
  const { rows, columns, bits, group, hasZeros } = sizes;
  const block = blockOf(group);
  const shape = [rows, columns];
  if (block === undefined || columns % ROW_UNIT !== 0)
    return new Problem(
      "E725",
      `${name}, ${showSizes(shape)}, has groups of ${group} columns; lmg reads groups of 16 or of whole ${ROW_UNIT}s`,
      "convert the checkpoint to f32, f16 or bf16",
    );
  const form: QuantizedForm = { bits, block, hasMinimums: hasZeros };
  const make = () => {
    const grid = read();
    const blocks = (rows * columns) / block;
    const scales = new Float32Array(blocks);
    const minimums = hasZeros ? new Float32Array(blocks) : undefined;
    const codes = new Uint8Array((rows * columns * bits) / 8);
    for (let at = 0; at < blocks; at++) {
      const row = Math.floor((at * block) / columns);
      const place = Math.floor(((at * block) % columns) / group);
      scales[at] = grid.scale(row, place);
      if (minimums !== undefined) minimums[at] = -scales[at]! * grid.zero!(row, place) + 0;
    }
    for (let index = 0; index < rows * columns; index++) {
      const code = grid.code(Math.floor(index / columns), index % columns);
      if (bits === 8) codes[index] = code;
      else codes[index >> 1]! |= code << (4 * (index & 1));
    }
    return quantizedTensor({ shape, bits, block, codes, scales, minimums });
  };
  return { shape, quantized: { form, read: make } };
}

/** A number of `bits` bits in words, lowest first; 0 and up. */
export const field = (words: Int32Array, bits: number, index: number): number => {
  const perWord = 32 / bits;
  return (words[Math.floor(index / perWord)]! >>> (bits * (index % perWord))) & (2 ** bits - 1);
};
