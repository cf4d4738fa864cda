import { evaluateSlice } from "../../../src/ops/evaluate/shape.ts";
import { dim } from "../../../src/tensor/dim.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { bool, counting, f32, i32 } from "../tensors.ts";
import { goldenCases } from "../golden.ts";
import type { createOps } from "../../../src/ops/create.ts";
import type { shapeOps } from "../../../src/ops/shape.ts";
import type { stateOps } from "../../../src/ops/state.ts";
import type { CasesOf } from "./case.ts";

const shape = (...sizes: number[]) => sizes.map(dim);
const positions = goldenCases("positions");

/** All rows of an axis from one on. */
const rowsOf = (tensor: HostTensor, axis: number, start: number): HostTensor =>
  evaluateSlice(tensor, axis, start, tensor.shape[axis]! - start);

/** T5's table of distances is made for a query and a key at each place, so it is compared where both start at 0. */
function goldenBuckets(name: string, row = 0, column = 0) {
  const { attrs, tensor } = positions.get(name)!;
  const buckets = rowsOf(rowsOf(tensor("buckets"), 0, row), 1, column);
  const [rows, columns] = buckets.shape as [number, number];
  return {
    about: `transformers: ${name}, from row ${row} and column ${column} on`,
    operands: {},
    attrs: {
      rows: dim(rows),
      columns: dim(columns),
      row_start: dim(row),
      column_start: dim(column),
      buckets: attrs["num_buckets"] as number,
      far: attrs["max_distance"] as number,
      causal: attrs["bidirectional"] === false,
    },
    expected: [buckets],
  };
}

export const createCases: CasesOf<keyof typeof createOps> = {
  constant: [
    {
      about: "row-major",
      operands: {},
      attrs: { dtype: "f32", shape: shape(2, 2), values: [1, 2, 3, 4] },
      expected: [f32([2, 2], [1, 2, 3, 4])],
    },
    {
      about: "a scalar",
      operands: {},
      attrs: { dtype: "i32", shape: [], values: [7] },
      expected: [i32([], [7])],
    },
  ],
  full: [
    {
      about: "of bools",
      operands: {},
      attrs: { dtype: "bool", shape: shape(3), value: 1 },
      expected: [bool([3], [1, 1, 1])],
    },
  ],
  iota: [
    { about: "of four", operands: {}, attrs: { size: dim(4) }, expected: [i32([4], [0, 1, 2, 3])] },
    {
      about: "of three from the sixth on",
      operands: {},
      attrs: { size: dim(3), start: dim(5) },
      expected: [i32([3], [5, 6, 7])],
    },
  ],
  relative_bucket: [
    goldenBuckets("t5_buckets_both_ways"),
    goldenBuckets("t5_buckets_causal"),
    goldenBuckets("t5_buckets_both_ways_small"),
    goldenBuckets("t5_buckets_causal_small"),
    goldenBuckets("t5_buckets_both_ways", 7, 2),
    goldenBuckets("t5_buckets_causal", 3),
  ],
};

const box = counting([2, 3, 2]);

export const shapeCases: CasesOf<keyof typeof shapeOps> = {
  reshape: [
    {
      about: "keeps the order of the elements",
      operands: { x: counting([2, 3]) },
      attrs: { shape: shape(3, 2) },
      expected: [counting([3, 2])],
    },
  ],
  permute: [
    {
      about: "a transpose",
      operands: { x: counting([2, 3]) },
      attrs: { axes: [1, 0] },
      expected: [f32([3, 2], [0, 3, 1, 4, 2, 5])],
    },
    {
      about: "three axes in a circle: out[k, i, j] = x[i, j, k]",
      operands: { x: box },
      attrs: { axes: [2, 0, 1] },
      expected: [f32([2, 2, 3], [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11])],
    },
  ],
  broadcast: [
    {
      about: "a column to a matrix",
      operands: { x: f32([2, 1], [1, 2]) },
      attrs: { shape: shape(2, 3) },
      expected: [f32([2, 3], [1, 1, 1, 2, 2, 2])],
    },
    {
      about: "a row to a new leading axis",
      operands: { x: i32([2], [5, 6]) },
      attrs: { shape: shape(2, 2) },
      expected: [i32([2, 2], [5, 6, 5, 6])],
    },
  ],
  slice: [
    {
      about: "the middle of the second axis",
      operands: { x: box },
      attrs: { axis: 1, start: dim(1), size: dim(2) },
      expected: [f32([2, 2, 2], [2, 3, 4, 5, 8, 9, 10, 11])],
    },
  ],
  concat: [
    {
      about: "along the last axis",
      operands: { values: [f32([2, 1], [1, 2]), f32([2, 2], [3, 4, 5, 6])] },
      attrs: { axis: 1 },
      expected: [f32([2, 3], [1, 3, 4, 2, 5, 6])],
    },
    {
      about: "along the first axis",
      operands: { values: [f32([1, 2], [1, 2]), f32([2, 2], [3, 4, 5, 6])] },
      attrs: { axis: 0 },
      expected: [f32([3, 2], [1, 2, 3, 4, 5, 6])],
    },
  ],
  cast: [
    {
      // IEEE 754 binary16: 0.1 is 0x2E66 = 1638 · 2^-14, 65504 is the largest, 65520 rounds to infinity.
      about: "to f16, ties to even",
      operands: { x: f32([5], [0.1, 65504, 65520, 2049, 2051]) },
      attrs: { dtype: "f16" },
      expected: [hostTensor("f16", [5], [1638 / 2 ** 14, 65504, Infinity, 2048, 2052])],
    },
    {
      // bfloat16 keeps 8 bits: 0.1 is 0x3DCD = 205 · 2^-11.
      about: "to bf16",
      operands: { x: f32([2], [0.1, 257]) },
      attrs: { dtype: "bf16" },
      expected: [hostTensor("bf16", [2], [205 / 2 ** 11, 256])],
    },
    {
      about: "to f32: the oracle keeps float64",
      operands: { x: f32([1], [0.1]) },
      attrs: { dtype: "f32" },
      expected: [f32([1], [0.1])],
    },
    {
      about: "to whole numbers, towards zero",
      operands: { x: f32([3], [1.9, -1.9, 2]) },
      attrs: { dtype: "i32" },
      expected: [i32([3], [1, -1, 2])],
    },
    {
      about: "to bool: what is not zero is true",
      operands: { x: f32([4], [0, -0, 0.5, NaN]) },
      attrs: { dtype: "bool" },
      expected: [bool([4], [0, 0, 1, 1])],
    },
  ],
};

export const stateCases: CasesOf<keyof typeof stateOps> = {
  write: [
    {
      about: "into the middle of the second axis",
      operands: { x: box, part: f32([2, 1, 2], [-1, -2, -3, -4]) },
      attrs: { axis: 1, start: dim(1) },
      expected: [f32([2, 3, 2], [0, 1, -1, -2, 4, 5, 6, 7, -3, -4, 10, 11])],
    },
    {
      about: "over all of it",
      operands: { x: f32([2, 2], [1, 2, 3, 4]), part: f32([2, 2], [5, 6, 7, 8]) },
      attrs: { axis: 0, start: dim(0) },
      expected: [f32([2, 2], [5, 6, 7, 8])],
    },
    {
      about: "nothing, at the end",
      operands: { x: i32([2], [1, 2]), part: i32([0], []) },
      attrs: { axis: 0, start: dim(2) },
      expected: [i32([2], [1, 2])],
    },
  ],
};
