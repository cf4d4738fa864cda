import { describe, expect, test } from "vitest";
import { dequantized, type QuantizedTensor } from "../../src/tensor/quantized.ts";
import { formOf, quantizedTensor } from "../../src/tensor/whole-codes.ts";

/** Rows of 32 codes, each row one number over and over but for its first two elements. */
const tensor = (more: Partial<QuantizedTensor>): QuantizedTensor =>
  quantizedTensor({
    shape: [2, 32],
    bits: 8,
    block: 32,
    codes: Uint8Array.from({ length: 64 }, (_, index) => (index === 0 ? 128 : index === 1 ? 127 : 255)),
    scales: Float32Array.of(0.5, 2),
    ...more,
  });

describe("a quantized tensor", () => {
  test("of 8 bits has whole numbers with a sign", () => {
    const elements = dequantized(tensor({}));
    expect([...elements.slice(0, 3)]).toEqual([-64, 63.5, -0.5]);
    expect(elements[32]).toBe(-2);
  });

  test("of 4 bits has two codes in a byte, the first in its lower half, and minimums", () => {
    const elements = dequantized(
      tensor({
        bits: 4,
        codes: Uint8Array.from({ length: 32 }, (_, index) => (index < 16 ? 0xf1 : 0x08)),
        minimums: Float32Array.of(-1, 10),
      }),
    );
    expect([...elements.slice(0, 3)]).toEqual([-0.5, 6.5, -0.5]);
    expect([...elements.slice(32, 34)]).toEqual([26, 10]);
  });

  test("may have a scale for each 16 elements", () => {
    const elements = dequantized(tensor({ block: 16, scales: Float32Array.of(1, 2, 3, 4) }));
    expect([elements[2], elements[16], elements[32], elements[48]]).toEqual([-1, -2, -3, -4]);
  });

  test("rounds the product with the scale, then the sum with the minimum", () => {
    const scale = Math.fround(0.1);
    const minimum = Math.fround(-0.3);
    const { [1]: element } = dequantized(
      tensor({ scales: Float32Array.of(scale, scale), minimums: Float32Array.of(minimum, minimum) }),
    );
    expect(element).toBe(Math.fround(Math.fround(127 * scale) + minimum));
    expect(element).not.toBe(Math.fround(127 * scale + minimum));
  });

  test("says its form", () => {
    expect(formOf(tensor({}))).toEqual({ bits: 8, block: 32, hasMinimums: false });
  });

  test.each([
    { shape: [2, 16] },
    { codes: new Uint8Array(63) },
    { scales: new Float32Array(1) },
    { minimums: new Float32Array(1) },
  ])("whose parts do not fill it is a bug: %o", (more) => {
    expect(() => tensor(more)).toThrow();
  });
});
