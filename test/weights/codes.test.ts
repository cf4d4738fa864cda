import { expect, test } from "vitest";
import { codedMatrices, type CodePart } from "../../src/weights/codes.ts";

const part = (isFloat: boolean, ...shape: readonly number[]): CodePart => ({
  shape,
  isFloat,
  read: (_, first, end) => new Float32Array(end - first),
});

test.each([
  [
    "zero points of 8 bits",
    [part(false, 2, 64), part(true, 2, 2), part(false, 2, 2)],
    "zero points of 8 bits: a.weight has some, and lmg writes none",
  ],
  [
    "groups of 16",
    [part(false, 2, 64), part(true, 2, 4)],
    "scales: a.weight has [2, 4], not one for each 32 of a row, or for more",
  ],
  [
    "one scale for all rows, as BitNet's ternary weights have",
    [part(false, 2, 64), part(true, 1)],
    "scales: a.weight has [1], not one for each 32 of a row, or for more",
  ],
] as const)("codes with %s are refused by the weight", (_, [codes, scale, zeros], message) => {
  const file = new Map([
    ["a.weight", codes],
    ["a.weight_scale", scale],
    ...(zeros === undefined ? [] : [["a.weight_zero_point", zeros] as const]),
  ]);
  expect(() => codedMatrices(file)).toThrow(message);
});
