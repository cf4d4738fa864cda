import type { reduceOps } from "../../../src/ops/reduce.ts";
import { counting, f32, i32 } from "../tensors.ts";
import { goldenCases, STORED_ROUNDING } from "../golden.ts";
import type { CasesOf } from "./case.ts";

const modules = goldenCases("modules");
const tolerance = STORED_ROUNDING;
const matrix = counting([2, 3]);

function softmaxes(name: string) {
  return [0, 1, 2, 3].map((number) => {
    const found = modules.get(`${name}_${number}`)!;
    return {
      about: `PyTorch: case ${number}`,
      operands: { x: found.tensor("x") },
      attrs: { axis: found.attrs["dim"] as number },
      expected: [found.tensor("y")],
      tolerance,
    };
  });
}

function topk(name: string) {
  const found = modules.get(name)!;
  return {
    about: `PyTorch: ${name}`,
    operands: { x: found.tensor("x") },
    attrs: { k: found.attrs["k"] as number },
    expected: [found.tensor("y"), found.tensor("indices")],
    tolerance,
  };
}

const cumsum = modules.get("cumsum")!;

export const reduceCases: CasesOf<keyof typeof reduceOps> = {
  reduce_sum: [
    { about: "rows", operands: { x: matrix }, attrs: { axes: [1] }, expected: [f32([2], [3, 12])] },
    {
      about: "columns, kept",
      operands: { x: matrix },
      attrs: { axes: [0], keep: true },
      expected: [f32([1, 3], [3, 5, 7])],
    },
    { about: "everything", operands: { x: matrix }, attrs: { axes: [0, 1] }, expected: [f32([], [15])] },
  ],
  reduce_mean: [
    { about: "rows", operands: { x: matrix }, attrs: { axes: [1] }, expected: [f32([2], [1, 4])] },
    {
      about: "the outer two of three axes",
      operands: { x: counting([2, 2, 2]) },
      attrs: { axes: [0, 1] },
      expected: [f32([2], [3, 4])],
    },
  ],
  reduce_max: [
    { about: "columns", operands: { x: matrix }, attrs: { axes: [0] }, expected: [f32([3], [3, 4, 5])] },
    {
      about: "negative whole numbers",
      operands: { x: i32([2], [-5, -3]) },
      attrs: { axes: [0] },
      expected: [i32([], [-3])],
    },
  ],
  reduce_min: [
    { about: "rows", operands: { x: matrix }, attrs: { axes: [1] }, expected: [f32([2], [0, 3])] },
    {
      about: "large whole numbers",
      operands: { x: i32([2], [2 ** 31 - 1, 2 ** 31 - 2]) },
      attrs: { axes: [0] },
      expected: [i32([], [2 ** 31 - 2])],
    },
  ],
  cumsum: [
    {
      about: "along the first axis",
      operands: { x: matrix },
      attrs: { axis: 0 },
      expected: [f32([2, 3], [0, 1, 2, 3, 5, 7])],
    },
    {
      about: "PyTorch",
      operands: { x: cumsum.tensor("x") },
      attrs: { axis: cumsum.tensor("x").shape.length - 1 },
      expected: [cumsum.tensor("y")],
      tolerance,
    },
  ],
  topk: [
    topk("topk"),
    topk("topk_all"),
    {
      about: "of equal elements the first",
      operands: { x: f32([4], [1, 2, 2, 0]) },
      attrs: { k: 3 },
      expected: [f32([3], [2, 2, 1]), i32([3], [1, 2, 0])],
    },
  ],
  spread: [
    {
      about: "what topk took, back in its place",
      operands: { values: f32([2, 2], [9, 8, 7, 6]), indices: i32([2, 2], [3, 0, 1, 2]) },
      attrs: { size: 4 },
      expected: [f32([2, 4], [8, 0, 0, 9, 0, 7, 6, 0])],
    },
  ],
  take: [
    {
      about: "two of each row, one of them twice",
      operands: { x: f32([2, 3], [1, 2, 3, 4, 5, 6]), indices: i32([2, 2], [2, 0, 1, 1]) },
      expected: [f32([2, 2], [3, 1, 5, 5])],
    },
  ],
  softmax: softmaxes("softmax"),
  log_softmax: softmaxes("log_softmax"),
};
