import { compressedTensors } from "../../../src/checkpoint/quantized/write.ts";
import { toStored, type StoredTensor } from "../../../src/checkpoint/stored.ts";
import { quantizedTensor } from "../../../src/tensor/whole-codes.ts";
import { hostTensor } from "../../../src/tensor/host.ts";

/* One matrix [8, 64] of 4-bit codes as libraries store it: with a zero point of 7 and scales of 0.5, 1, … a row. */

type Tensors = readonly (readonly [name: string, tensor: StoredTensor])[];

export const i32 = (shape: readonly number[], values: ArrayLike<number>): StoredTensor =>
  toStored(hostTensor("i32", shape, values));
const f32 = (shape: readonly number[], values: ArrayLike<number>): StoredTensor =>
  toStored(hostTensor("f32", shape, values));

/** Others for each `turn`. */
const codeOf = (row: number, column: number, turn: number): number => (3 * row + column + 5 * turn) % 16;

export const wanted = (turn = 0): Float32Array =>
  Float32Array.from({ length: 8 * 64 }, (_, index) => {
    const [row, column] = [Math.floor(index / 64), index % 64];
    return (codeOf(row, column, turn) - 7) * (row + 1) * 0.5;
  });

const scales = f32(
  [2, 8],
  Array.from({ length: 16 }, (_, i) => ((i % 8) + 1) * 0.5),
);

const words = (count: number, nibble: (word: number, place: number) => number): number[] =>
  Array.from({ length: count }, (_, word) => {
    let all = 0;
    for (let place = 0; place < 8; place++) all |= nibble(word, place) << (4 * place);
    return all;
  });

/** Packed along the columns, zero points less one. */
export const gptq = (name: string, turn = 0): Tensors => [
  [
    `${name}.qweight`,
    i32(
      [8, 8],
      words(64, (word, place) => codeOf(word % 8, 8 * Math.floor(word / 8) + place, turn)),
    ),
  ],
  [
    `${name}.qzeros`,
    i32(
      [2, 1],
      words(2, () => 6),
    ),
  ],
  [`${name}.scales`, scales],
];

const rowAt = [0, 2, 4, 6, 1, 3, 5, 7];

/** Packed along the rows, nibbles in the order 0 2 4 6 1 3 5 7. */
export const awq = (name: string, turn = 0): Tensors => [
  [
    `${name}.qweight`,
    i32(
      [64, 1],
      words(64, (column, place) => codeOf(rowAt[place]!, column, turn)),
    ),
  ],
  [
    `${name}.qzeros`,
    i32(
      [2, 1],
      words(2, () => 7),
    ),
  ],
  [`${name}.scales`, scales],
];

/** As compressed-tensors packs it. */
export function packed(name: string, turn = 0): Tensors {
  const scaleOf = (row: number): number => (row + 1) * 0.5;
  const perBlock = Array.from({ length: 16 }, (_, at) => scaleOf(Math.floor(at / 2)));
  const bytes = Uint8Array.from({ length: 8 * 32 }, (_, at) => {
    const [row, column] = [Math.floor(at / 32), 2 * (at % 32)];
    return codeOf(row, column, turn) | (codeOf(row, column + 1, turn) << 4);
  });
  return compressedTensors(
    `${name}.weight`,
    quantizedTensor({
      shape: [8, 64],
      bits: 4,
      block: 32,
      codes: bytes,
      scales: Float32Array.from(perBlock),
      minimums: Float32Array.from(perBlock, (scale) => -7 * scale),
    }),
  );
}
