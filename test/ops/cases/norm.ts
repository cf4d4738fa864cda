import type { edgeOps } from "../../../src/ops/edge.ts";
import type { chainOps } from "../../../src/ops/elementwise.ts";
import type { lossOps } from "../../../src/ops/loss.ts";
import type { normOps } from "../../../src/ops/norm.ts";
import { hostTensor, type HostTensor } from "../../../src/tensor/host.ts";
import { counting, f32, i32 } from "../tensors.ts";
import { goldenCases, STORED_ROUNDING, type GoldenCase } from "../golden.ts";
import type { CasesOf, OpCase } from "./case.ts";

const modules = goldenCases("modules");
const tolerance = STORED_ROUNDING;

const startingWith = (prefix: string): GoldenCase[] =>
  [...modules.values()].filter(({ name }) => name.startsWith(prefix));

const normed = (found: GoldenCase) => ({
  about: `${found.kind}: ${found.name}`,
  operands: {
    x: found.tensor("x"),
    weight: found.optional("param.weight"),
    bias: found.optional("param.bias"),
  },
  expected: [found.tensor("y")],
  tolerance,
});

const eps = ({ attrs }: GoldenCase): number => attrs["eps"] as number;

/** Batch norms that run on given statistics. */
const evaluating = startingWith("batchnorm").filter(({ attrs }) => attrs["train"] === false);

/** √(1² + 2²) / √2: the root mean square of (1, 2); half precision shows where it is rounded. */
const halfRow = hostTensor("bf16", [2], [1, 2]);
const halfWeight = f32([2], [1.3, 1]);
// 1/√2.5 = 0.632455…, as bf16 162/256; 1.3 · 162/256 = 0.82265… → 211/256, but 1.3 · 0.632455… = 0.82219… → 210/256.
const second = 162 / 128;

const noGains = { source_gain: undefined, branch_gain: undefined };
const bare = {
  ...noGains,
  bias: undefined,
  inner_weight: undefined,
  inner_bias: undefined,
  weights: [],
  biases: [],
};

export const normCases: CasesOf<keyof typeof normOps> = {
  layer_norm: startingWith("layernorm").map((found) => ({ ...normed(found), attrs: { eps: eps(found) } })),
  rms_norm: [
    ...startingWith("rmsnorm").map((found) => ({
      ...normed(found),
      attrs: { eps: eps(found), unit_offset: found.kind.includes("Gemma") },
    })),
    {
      about: "bf16, rounded before the weight",
      operands: { x: halfRow, weight: halfWeight, bias: undefined },
      attrs: { eps: 0, cast: "before" },
      expected: [hostTensor("bf16", [2], [211 / 256, second])],
    },
    {
      about: "bf16, rounded after the weight",
      operands: { x: halfRow, weight: halfWeight, bias: undefined },
      attrs: { eps: 0, cast: "after" },
      expected: [hostTensor("bf16", [2], [210 / 256, second])],
    },
  ],
  l2_norm: [
    ...["l2_normalize_0", "l2_normalize_1"].map((name) => ({
      about: `F.normalize: ${name}`,
      operands: { x: modules.get(name)!.tensor("x") },
      expected: [modules.get(name)!.tensor("y")],
      tolerance,
    })),
    { about: "a row of zeros stays", operands: { x: f32([1, 2], [0, 0]) }, expected: [f32([1, 2], [0, 0])] },
  ],
  batch_norm: evaluating.map((found) => ({
    about: `${found.kind}: ${found.name}`,
    operands: {
      x: found.tensor("x"),
      mean: found.tensor("param.running_mean"),
      variance: found.tensor("param.running_var"),
      weight: found.optional("param.weight"),
      bias: found.optional("param.bias"),
    },
    attrs: { eps: eps(found), axis: 1 },
    expected: [found.tensor("y")],
    tolerance,
  })),
  add_norm: [
    {
      // 1·(1, 2) + (1, 2) + (0, 0) = (2, 4): mean 3, deviation 1.
      about: "a sum and its layer norm, with and without an affine part",
      operands: {
        ...bare,
        source: f32([1, 2], [1, 2]),
        branches: [f32([1, 2], [1, 2])],
        weights: [f32([2], [10, 100])],
        biases: [f32([2], [1, 2])],
      },
      attrs: { norm: "layer", eps: 0, affines: ["weight_bias", "none"] },
      expected: [f32([1, 2], [-9, 102]), f32([1, 2], [-1, 1]), f32([1, 2], [2, 4])],
    },
    {
      // ½·(2, 2)·(2, 4) + 3·(1, 10)·((1, 2) + (1, 1) + (0, 1)) = (2, 4) + (6, 120).
      about: "scales, gains, a bias, a branch that lacks an axis, without the sum",
      operands: {
        ...bare,
        source: f32([1, 2], [2, 2]),
        branches: [f32([1, 2], [1, 2]), f32([2], [1, 1])],
        source_gain: f32([2], [2, 4]),
        branch_gain: f32([2], [1, 10]),
        bias: f32([2], [0, 1]),
      },
      attrs: { source_scale: 0.5, branch_scale: 3, norm: "l2", affines: ["none"], keep_sum: false },
      expected: [f32([1, 2], [8 / Math.hypot(8, 124), 124 / Math.hypot(8, 124)])],
      tolerance: 1e-15,
    },
    {
      // The branch (3, 4) has the root mean square √12.5; doubled by 1 + 1. (1, 1) + (6, 8)/√12.5.
      about: "an out-norm inside the join, as OLMo 2 has it, and no norm after",
      operands: {
        ...bare,
        source: f32([1, 2], [1, 1]),
        branches: [f32([1, 2], [3, 4])],
        inner_weight: f32([2], [1, 1]),
      },
      attrs: { inner: "rms", inner_unit_offset: true, norm: "none", affines: [] },
      expected: [f32([1, 2], [1 + 6 / Math.sqrt(12.5), 1 + 8 / Math.sqrt(12.5)])],
      tolerance: 1e-15,
    },
    {
      // 1e16 + 1 rounds back to 1e16 in float64, twice; 1 + 1 first gives 1e16 + 2.
      about: "in turn: the order of additions shows in the rounding",
      operands: { ...bare, source: f32([1, 1], [1e16]), branches: [f32([1, 1], [1]), f32([1, 1], [1])] },
      attrs: { order: "in_turn", norm: "none", affines: [] },
      expected: [f32([1, 1], [1e16])],
    },
    {
      about: "branches first",
      operands: { ...bare, source: f32([1, 1], [1e16]), branches: [f32([1, 1], [1]), f32([1, 1], [1])] },
      attrs: { norm: "none", affines: [] },
      expected: [f32([1, 1], [1e16 + 2])],
    },
  ],
};

export const edgeCases: CasesOf<keyof typeof edgeOps> = {
  residual: [
    {
      // 2·(1, 2) + 0.5·(10, 20)·((1, 1) + (3, 5)).
      about: "scales and gains",
      operands: {
        source: f32([1, 2], [1, 2]),
        branches: [f32([1, 2], [1, 1]), f32([2], [3, 5])],
        source_gain: undefined,
        branch_gain: f32([2], [10, 20]),
      },
      attrs: { edge: 0, source_scale: 2, branch_scale: 0.5 },
      expected: [f32([1, 2], [22, 64])],
    },
  ],
};

/** Losses are given in float64. */
const loss = (name: string, more: OpCase<"cross_entropy">["attrs"] = {}): OpCase<"cross_entropy"> => {
  const found = modules.get(name)!;
  const scalar: HostTensor = f32([], [found.scalars["loss"]!]);
  return {
    about: `PyTorch: ${name}`,
    operands: { logits: found.tensor("x"), targets: found.tensor("target") },
    attrs: {
      smoothing: (found.attrs["label_smoothing"] as number | undefined) ?? 0,
      ignore: found.attrs["ignore_index"] as number | undefined,
      ...more,
    },
    expected: [scalar],
    // The inputs are stored in float32 exactly, and the loss in float64: what differs is the order of a few additions.
    tolerance: 1e-14,
  };
};

export const lossCases: CasesOf<keyof typeof lossOps> = {
  cross_entropy: [0, 1, 2, 3, 4, 6]
    .map((number) => loss(`cross_entropy_${number}`))
    .concat(loss("cross_entropy_sequence")),
  mean_squared_error: [
    { about: "on paper", operands: { x: f32([2], [1, 2]), y: f32([2], [3, 5]) }, expected: [f32([], [6.5])] },
  ],
  accuracy: [
    {
      about: "two of three, of equal logits the first",
      operands: { logits: f32([3, 2], [0, 1, 5, 5, 1, 0]), targets: i32([3], [1, 0, 1]) },
      expected: [f32([], [2 / 3])],
    },
    {
      about: "one of two, the third is ignored",
      operands: { logits: f32([3, 2], [0, 1, 5, 5, 1, 0]), targets: i32([3], [1, -100, 1]) },
      attrs: { ignore: -100 },
      expected: [f32([], [1 / 2])],
    },
  ],
};

export const chainCases: CasesOf<keyof typeof chainOps> = {
  elementwise: [
    {
      about: "(x + y) · 0.5 with a row y, where x is not negative, else 7",
      operands: { inputs: [counting([2, 2], -1), f32([2], [10, 20])] },
      attrs: {
        program: {
          steps: [
            {
              op: "add",
              args: [
                { kind: "input", index: 0 },
                { kind: "input", index: 1 },
              ],
            },
            {
              op: "mul",
              args: [
                { kind: "step", index: 0 },
                { kind: "number", value: 0.5 },
              ],
            },
            {
              op: "ge",
              args: [
                { kind: "input", index: 0 },
                { kind: "number", value: 0 },
              ],
            },
            {
              op: "where",
              args: [
                { kind: "step", index: 2 },
                { kind: "step", index: 1 },
                { kind: "number", value: 7 },
              ],
            },
          ],
        },
      },
      expected: [f32([2, 2], [7, 10, 5.5, 11])],
    },
  ],
};
