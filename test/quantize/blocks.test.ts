import { describe, expect, test } from "vitest";
import { quantizeMatrix, type Matrix } from "../../src/quantize/blocks.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { dequantized, type QuantizedTensor } from "../../src/tensor/quantized.ts";

const normal = (rows: number, columns: number): Matrix => {
  const random = new RandomStream(5, "weights");
  return {
    shape: [rows, columns],
    data: Float32Array.from({ length: rows * columns }, () => random.normal()),
  };
};

/** ‖Δw‖ / ‖w‖ */
function errorOf({ data }: Matrix, quantized: QuantizedTensor): number {
  const found = dequantized(quantized);
  const squares = (values: ArrayLike<number>): number =>
    Array.from(values).reduce((sum, value) => sum + value ** 2, 0);
  return Math.sqrt(squares(found.map((value, i) => value - data[i]!)) / squares(data));
}

describe("a matrix of normal numbers", () => {
  const matrix = normal(64, 256);

  test("has an error of 0.0056 in 8 bits with a scale for each 32, as on published weights", () => {
    const error = errorOf(matrix, quantizeMatrix(matrix, 8));
    expect(error).toBeGreaterThan(0.005);
    expect(error).toBeLessThan(0.0062);
  });

  test("has an error of 0.08 in 4 bits with a whole zero point and a searched scale, as on published weights", () => {
    const error = errorOf(matrix, quantizeMatrix(matrix, 4));
    expect(error).toBeGreaterThan(0.07);
    expect(error).toBeLessThan(0.083);
  });

  test("is no better than half a step at its worst element in 8 bits", () => {
    const quantized = quantizeMatrix(matrix, 8);
    const found = dequantized(quantized);
    found.forEach((value, i) => {
      const scale = quantized.scales[Math.floor(i / 32)]!;
      expect(Math.abs(value - matrix.data[i]!)).toBeLessThanOrEqual(0.5001 * scale);
    });
  });
});

test("numbers that codes can have are kept: 8 bits", () => {
  const data = Float32Array.from({ length: 64 }, (_, i) => (i - 31) * 0.5 + (i === 63 ? 47.5 : 0));
  data[31] = 63.5;
  const found = dequantized(quantizeMatrix({ shape: [2, 32], data }, 8));
  expect([...found.slice(0, 32)]).toEqual([...data.slice(0, 32)]);
});

test("numbers that codes can have are kept: 4 bits, 0 among them", () => {
  const data = Float32Array.from({ length: 32 }, (_, i) => ((i % 16) - 5) * 0.25);
  expect([...dequantized(quantizeMatrix({ shape: [1, 32], data }, 4))]).toEqual([...data]);
});

test.each([8, 4] as const)("zeros are zeros in %d bits", (bits) => {
  const found = dequantized(quantizeMatrix({ shape: [1, 32], data: new Float32Array(32) }, bits));
  expect([...found]).toEqual(new Array(32).fill(0));
});

test("a matrix that lies the other way is quantized along its columns", () => {
  const { shape, data } = normal(32, 3);
  const turned = Float32Array.from({ length: 96 }, (_, i) => data[(i % 32) * 3 + Math.floor(i / 32)]!);
  const found = quantizeMatrix({ shape, data, isTransposed: true }, 4);
  expect(found).toEqual(quantizeMatrix({ shape: [3, 32], data: turned }, 4));
});
