import { describe, expect, test } from "vitest";
import { firstDifference, ROUNDING } from "../../src/passes/compare.ts";
import { hostTensor, type HostTensor } from "../../src/tensor/host.ts";

const vector = (...values: number[]): HostTensor => hostTensor("f64", [values.length], values);

describe("two tensors", () => {
  test.each([
    ["equal ones", [1, 2], [1, 2]],
    ["NaN at the same place", [1, NaN], [1, NaN]],
    ["the same infinities", [-Infinity, Infinity], [-Infinity, Infinity]],
    ["differences that are rounding", [1e6, 1], [1e6 + 1e6 * ROUNDING * 0.9, 1]],
    ["0 and -0, which only what follows can tell apart", [0], [-0]],
  ])("do not differ: %s", (_name, a, b) => {
    expect(firstDifference(vector(...a), vector(...b))).toBeUndefined();
  });

  test.each([
    ["a number for NaN", [NaN], [0]],
    ["NaN for a number", [0], [NaN]],
    ["NaN for an infinity", [Infinity], [NaN]],
    ["the other infinity", [Infinity], [-Infinity]],
    ["an infinity for a large number", [1e300], [Infinity]],
    ["more than rounding", [1, 2], [1, 2 + 3 * ROUNDING]],
  ])("differ: %s", (_name, a, b) => {
    const index = a.length - 1;
    expect(firstDifference(vector(...a), vector(...b))).toEqual({
      index,
      expected: a[index],
      found: b[index],
    });
  });

  test("of different sizes differ, and so does an empty one from a full one", () => {
    expect(firstDifference(vector(1), vector(1, 1))).toEqual({ index: -1, expected: 1, found: 2 });
    expect(firstDifference(vector(1), vector())).toEqual({ index: -1, expected: 1, found: 0 });
  });

  test("an element that is NaN does not hide a later difference", () => {
    expect(firstDifference(vector(NaN, 1), vector(NaN, 2))).toMatchObject({ index: 1 });
  });
});
