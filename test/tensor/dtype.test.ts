import { expect, test } from "vitest";
import { roundTo } from "../../src/tensor/dtype.ts";

// IEEE 754 binary16 and bfloat16 by hand: ties go to the even mantissa, subnormals keep a fixed step.
test.each([
  ["f16", 1 + 2 ** -11, 1],
  ["f16", 1 + 3 * 2 ** -11, 1 + 2 ** -9],
  ["f16", 65504, 65504],
  ["f16", 65520, Infinity],
  ["f16", 2 ** -24, 2 ** -24],
  ["f16", 2 ** -25, 0],
  ["f16", 0.1, 0.0999755859375],
  ["bf16", 1 + 2 ** -8, 1],
  ["bf16", 1 + 3 * 2 ** -8, 1 + 2 ** -6],
  ["bf16", 48.0104, 48],
  ["bf16", 3.1415927, 3.140625],
  ["bf16", -0, -0],
  ["f32", 0.1, 0.10000000149011612],
  ["f64", 0.1, 0.1],
  ["i32", -2.9, -2],
  ["bool", 3, 1],
] as const)("roundTo(%s, %d) is %d", (dtype, value, expected) => {
  expect(roundTo(dtype, value)).toBe(expected);
});

test("NaN and infinities stay what they are", () => {
  expect(roundTo("f16", NaN)).toBeNaN();
  expect(roundTo("bf16", -Infinity)).toBe(-Infinity);
});
