import { describe, expect, test } from "vitest";
import { transposed } from "../../src/checkpoint/gguf/changes.ts";
import { joinMatrices } from "../../src/checkpoint/joined-matrices.ts";
import { quantizedInCheckpoint, type CheckpointTensor } from "../../src/checkpoint/match.ts";
import { readFloat32 } from "../../src/checkpoint/stored.ts";
import { dequantized } from "../../src/tensor/quantized.ts";
import { quantizedTensor } from "../../src/tensor/whole-codes.ts";

/** Floats that count up, so that each says where it stands. */
const counted = (start: number, ...shape: readonly number[]): CheckpointTensor => {
  const size = shape.reduce((product, each) => product * each, 1);
  const values = Float32Array.from({ length: size }, (_, index) => start + index);
  return {
    dtype: "f32",
    shape,
    read: () => ({ dtype: "f32", shape, bytes: new Uint8Array(values.buffer) }),
  };
};

const valuesOf = ({ read }: CheckpointTensor): number[] => [...readFloat32(read())];

/** Of two matrices of two rows and three columns each. */
const [gates, ups] = [counted(0, 2, 2, 3), counted(100, 2, 2, 3)];

test("rows of each part stand behind those of the one before, matrix by matrix", () => {
  const joined = joinMatrices([gates, ups])!;
  expect(joined.shape).toEqual([2, 4, 3]);
  expect(valuesOf(joined).filter((_, index) => index % 3 === 0)).toEqual([0, 3, 100, 103, 6, 9, 106, 109]);
});

test("rows alternate, and biases do as rows of one element", () => {
  const joined = joinMatrices([gates, ups], { isAlternating: true })!;
  expect(valuesOf(joined).filter((_, index) => index % 3 === 0)).toEqual([0, 100, 3, 103, 6, 106, 9, 109]);
  const biases = joinMatrices([counted(0, 2, 2), counted(10, 2, 2)], { axes: 1, isAlternating: true })!;
  expect([biases.shape, valuesOf(biases)]).toEqual([
    [2, 4],
    [0, 10, 1, 11, 2, 12, 3, 13],
  ]);
});

test.each([
  [false, [counted(0, 2, 3, 2), counted(50, 2, 1, 2)]],
  [true, [counted(0, 2, 2, 2), counted(50, 2, 2, 2)]],
])("any part is what the whole has there, alternating %s", (isAlternating, parts) => {
  const joined = joinMatrices(parts, { isAlternating })!;
  const whole = valuesOf(joined);
  for (const first of [0, 1, 5, 8])
    for (const end of [9, 12, 16])
      expect([...readFloat32(joined.readPart!(first, end))]).toEqual(whole.slice(first, end));
});

test("matrices that do not fit together are not joined", () => {
  expect(joinMatrices([gates, counted(0, 3, 2, 3)])).toBeUndefined();
  expect(joinMatrices([gates, counted(0, 2, 2, 4)])).toBeUndefined();
  expect(joinMatrices([gates, counted(0, 2, 3, 3)], { isAlternating: true })).toBeUndefined();
});

describe("of codes", () => {
  /** A stack [2, 2, 32] whose codes and scales are told apart. */
  const coded = (start: number): CheckpointTensor =>
    quantizedInCheckpoint([2, 2, 32], {
      form: { bits: 8, block: 32, hasMinimums: false },
      read: () =>
        quantizedTensor({
          shape: [4, 32],
          bits: 8,
          block: 32,
          codes: Uint8Array.from({ length: 128 }, (_, index) => (start + index) % 100),
          scales: Float32Array.from({ length: 4 }, (_, row) => start + row + 1),
        }),
    });

  test.each([true, false])("rows of codes are the same rows, alternating %s", (isAlternating) => {
    const joined = joinMatrices([coded(1), coded(7)], { isAlternating })!;
    const { read, readRows } = joined.quantized!;
    expect([...dequantized(read())]).toEqual(valuesOf(joined));
    expect([...dequantized(readRows!(3, 6))]).toEqual(valuesOf(joined).slice(3 * 32, 6 * 32));
  });

  test("a turned stack has them as the codes of its columns", () => {
    const turned = transposed(coded(1));
    expect([turned.shape, turned.quantized?.isTransposed]).toEqual([[2, 32, 2], true]);
    const upright = valuesOf(coded(1));
    expect(valuesOf(turned)[32 * 2 + 2 * 5 + 1]).toBe(upright[64 + 32 + 5]);
  });
});
