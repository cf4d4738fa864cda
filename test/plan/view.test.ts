import { describe, expect, test } from "vitest";
import {
  broadcastView,
  denseView,
  distinctElements,
  hasForm,
  isDense,
  mergeAxes,
  permuteView,
  reshapeView,
  rowStride,
  sliceView,
  type View,
} from "../../src/kernels/view.ts";
import { dim, multiplyDims, symbolDim } from "../../src/tensor/dim.ts";
import { tensorType } from "../../src/tensor/type.ts";

const [B, T] = [symbolDim("B"), symbolDim("T")];
const keys = (dims: readonly { key: string }[] | undefined): string[] | undefined =>
  dims?.map(({ key }) => key);

/** The middle third of merged queries, keys and values: [B, T, 12] in rows of 36. */
const keysOfMerged: View = sliceView(
  denseView(0, tensorType("f32", B, T, 36)),
  2,
  dim(12),
  tensorType("f32", B, T, 12),
);

describe("a slice of the last axis", () => {
  test("keeps the stride of the rows and begins inside", () => {
    expect(keysOfMerged.offset.key).toBe("12");
    expect(keys(keysOfMerged.strides)).toEqual(["36*T", "36", "1"]);
    expect(rowStride(keysOfMerged)?.key).toBe("36");
    expect(isDense(keysOfMerged)).toBe(false);
    expect(hasForm(keysOfMerged, "rows")).toBe(true);
  });

  test("splits into heads without a copy", () => {
    const heads = reshapeView(keysOfMerged, tensorType("f32", B, T, 3, 4));
    expect(keys(heads?.strides)).toEqual(["36*T", "36", "4", "1"]);
    expect(heads?.offset.key).toBe("12");
  });

  test("has no view with its rows and columns joined", () => {
    expect(reshapeView(keysOfMerged, tensorType("f32", B, multiplyDims(dim(12), T)))).toBeUndefined();
  });

  test("joins its batch and its rows, as their strides follow on", () => {
    const joined = reshapeView(keysOfMerged, tensorType("f32", multiplyDims(B, T), 12));
    expect(keys(joined?.strides)).toEqual(["36", "1"]);
  });
});

describe("a reshape of a dense view", () => {
  const dense = denseView(0, tensorType("f32", B, T, 6));

  test.each([
    ["splits an axis", [B, T, 2, 3], ["6*T", "6", "3", "1"]],
    ["joins all", [multiplyDims(multiplyDims(B, T), dim(6))], ["1"]],
    ["adds axes of size 1 anywhere", [1, B, T, 1, 6, 1], ["6*B*T", "6*T", "6", "6", "1", "1"]],
  ] as const)("%s", (_, shape, strides) => {
    expect(keys(reshapeView(dense, tensorType("f32", ...shape))?.strides)).toEqual(strides);
  });

  test("of one element to rank 0 has no strides", () => {
    expect(reshapeView(denseView(0, tensorType("f32", 1, 1)), tensorType("f32"))?.strides).toEqual([]);
  });
});

test("permuted rows have no unit stride and are not rows", () => {
  const turned = permuteView(denseView(0, tensorType("f32", 2, 3)), [1, 0], tensorType("f32", 3, 2));
  expect(keys(turned.strides)).toEqual(["1", "3"]);
  expect([hasForm(turned, "unit"), hasForm(turned, "any")]).toEqual([false, true]);
});

test("a broadcast walks stretched axes with stride 0 and reaches each element once", () => {
  const row = broadcastView(denseView(0, tensorType("f32", 6)), tensorType("f32", B, T, 6));
  expect(keys(row.strides)).toEqual(["0", "0", "1"]);
  expect(distinctElements(row).key).toBe("6");
  expect(hasForm(row, "rows")).toBe(true);
  expect(rowStride(row)?.key).toBe("0");
});

test("neighbouring axes merge only where they follow on in every view", () => {
  const dense = denseView(0, tensorType("f32", B, T, 6));
  const table = broadcastView(denseView(1, tensorType("f32", T, 6)), dense.type);
  const axes = mergeAxes(dense.type.shape, [dense.strides, table.strides]);
  expect(axes.map(({ size, strides }) => [size.key, ...keys(strides)!])).toEqual([
    ["B", "6*T", "0"],
    ["6*T", "1", "1"],
  ]);
});

test("one row has a stride that no loop uses", () => {
  expect(rowStride(denseView(0, tensorType("f32", 6)))?.key).toBe("0");
  expect(
    hasForm(permuteView(denseView(0, tensorType("f32", 1, 5)), [1, 0], tensorType("f32", 5, 1)), "rows"),
  ).toBe(true);
});
