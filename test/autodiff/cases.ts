import type { AttributesOf, CoreOp, OperandsOf } from "../../src/ops/table.ts";
import { vjpRules } from "../../src/autodiff/rules/table.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../src/tensor/host.ts";
import { RandomStream } from "../../src/tensor/random.ts";
import { dim } from "../../src/tensor/dim.ts";

/** One op at a point where it is smooth; operands of floats are differentiated. */
export interface GradientCase<K extends CoreOp> {
  readonly about: string;
  readonly operands: OperandsOf<K, HostTensor>;
  readonly attrs?: Partial<AttributesOf<K>>;
  /** Results that nothing flows back through. */
  readonly ignoredResults?: readonly number[];
  /** Operands without a gradient though their elements are floats. */
  readonly fixed?: readonly string[];
}

let drawn = 0;
/** Random floats in [low, high), other ones at each call. */
const floats = (shape: readonly number[], low = -1, high = 1): HostTensor => {
  const random = new RandomStream(7, `case ${drawn++}`);
  return hostTensor(
    "f32",
    shape,
    Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.uniform()),
  );
};
const ints = (shape: readonly number[], values: readonly number[]): HostTensor =>
  hostTensor("i32", shape, values);
const truths = (shape: readonly number[], values: readonly number[]): HostTensor =>
  hostTensor("bool", shape, values);
/** Elements that differ by at least 0.1, so that a small step changes no order. */
const apart = (shape: readonly number[]): HostTensor => {
  const size = sizeOf(shape);
  return hostTensor(
    "f32",
    shape,
    Array.from({ length: size }, (_, i) => ((i * 7) % size) * 0.1 + ((i * 7) % 3) * 0.01),
  );
};

const unary = (low = -2, high = 2): GradientCase<"exp">[] => [
  { about: "an element each", operands: { x: floats([3, 5], low, high) } },
];
const binary = (low = -2, high = 2): GradientCase<"add">[] => [
  { about: "alike", operands: { x: floats([3, 4], low, high), y: floats([3, 4], low, high) } },
  { about: "y stretches", operands: { x: floats([2, 3, 4], low, high), y: floats([4], low, high) } },
  { about: "x and y stretch", operands: { x: floats([2, 1, 4], low, high), y: floats([3, 1], low, high) } },
];
const reduction = (make: (shape: readonly number[]) => HostTensor) => [
  { about: "the last axis", operands: { x: make([3, 4]) }, attrs: { axes: [1] } },
  { about: "two axes, kept", operands: { x: make([2, 3, 4]) }, attrs: { axes: [0, 2], keep: true } },
  { about: "all axes", operands: { x: make([2, 3]) }, attrs: { axes: [0, 1] } },
];
const heads = (rows: number, columns: number, queries = 4, keys = 2) => ({
  q: floats([2, queries, rows, 3]),
  k: floats([2, keys, columns, 3]),
  v: floats([2, keys, columns, 5]),
  bias: undefined,
  mask: undefined,
});
const recurrent = (
  given: Partial<Pick<OperandsOf<"linear_attend", HostTensor>, "decay" | "beta" | "state">>,
): OperandsOf<"linear_attend", HostTensor> => ({
  q: floats([2, 2, 3, 3]),
  k: floats([2, 2, 3, 3]),
  v: floats([2, 4, 3, 2]),
  decay: undefined,
  beta: undefined,
  state: undefined,
  ...given,
});
const window = { stride: [2, 1], padding: [1, 0], groups: 2 };

/** Ops that have a gradient; the others say why they have none. */
type SmoothOp = Exclude<CoreOp, NoGradientOp>;
export type NoGradientOp =
  | "constant"
  | "full"
  | "iota"
  | "relative_bucket"
  | "floor"
  | "not"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or"
  | "accuracy";

/** The ops whose rule has a gradient, at run time. */
export const smoothOps = (Object.keys(vjpRules) as CoreOp[]).filter((op) => !("none" in vjpRules[op]));

export const gradientCases: { readonly [K in SmoothOp]: readonly GradientCase<K>[] } = {
  reshape: [{ about: "2 × 6", operands: { x: floats([3, 4]) }, attrs: { shape: [dim(2), dim(6)] } }],
  permute: [{ about: "a cycle", operands: { x: floats([2, 3, 4]) }, attrs: { axes: [2, 0, 1] } }],
  broadcast: [
    {
      about: "a new axis and an old one",
      operands: { x: floats([3, 1]) },
      attrs: { shape: [2, 3, 4].map(dim) },
    },
    { about: "a scalar", operands: { x: floats([]) }, attrs: { shape: [3].map(dim) } },
  ],
  slice: [
    { about: "a middle", operands: { x: floats([3, 5]) }, attrs: { axis: 1, start: dim(1), size: dim(3) } },
  ],
  concat: [
    {
      about: "three",
      operands: { values: [floats([2, 1]), floats([2, 3]), floats([2, 2])] },
      attrs: { axis: 1 },
    },
  ],
  cast: [{ about: "to f64", operands: { x: floats([3]) }, attrs: { dtype: "f64" } }],
  neg: unary(),
  abs: [{ about: "both signs", operands: { x: hostTensor("f32", [4], [-2, -0.5, 0.5, 3]) } }],
  exp: unary(),
  log: unary(0.5, 3),
  sqrt: unary(0.5, 3),
  rsqrt: unary(0.5, 3),
  sin: unary(),
  cos: unary(),
  tanh: unary(),
  sigmoid: unary(),
  erf: unary(),
  relu: [{ about: "both sides", operands: { x: hostTensor("f32", [4], [-2, -0.5, 0.5, 3]) } }],
  relu2: [{ about: "both sides", operands: { x: hostTensor("f32", [4], [-2, -0.5, 0.5, 3]) } }],
  gelu: unary(-4, 4),
  gelu_tanh: unary(-4, 4),
  silu: unary(-4, 4),
  softplus: unary(),
  square: unary(),
  add: binary(),
  sub: binary(),
  mul: binary(),
  div: binary(0.5, 2),
  mod: [
    {
      about: "away from the jumps",
      operands: { x: hostTensor("f32", [2], [2.5, -1.25]), y: hostTensor("f32", [1], [0.75]) },
    },
  ],
  pow: binary(0.5, 2),
  min: [
    { about: "apart", operands: { x: apart([3, 4]), y: hostTensor("f32", [4], [0.05, 0.55, 0.85, 0.35]) } },
  ],
  max: [
    { about: "apart", operands: { x: apart([3, 4]), y: hostTensor("f32", [4], [0.05, 0.55, 0.85, 0.35]) } },
  ],
  where: [
    {
      about: "x and y stretch",
      operands: { condition: truths([2, 3], [1, 0, 1, 0, 0, 1]), x: floats([3]), y: floats([2, 1]) },
    },
  ],
  reduce_sum: reduction(floats),
  reduce_mean: reduction(floats),
  reduce_max: reduction(apart),
  reduce_min: reduction(apart),
  cumsum: [{ about: "the middle axis", operands: { x: floats([2, 4, 3]) }, attrs: { axis: 1 } }],
  topk: [{ about: "two of five", operands: { x: apart([3, 5]) }, attrs: { k: 2 }, ignoredResults: [1] }],
  spread: [
    {
      about: "two into five",
      operands: { values: floats([2, 2]), indices: ints([2, 2], [3, 0, 1, 4]) },
      attrs: { size: 5 },
    },
  ],
  take: [
    {
      about: "two of five",
      operands: { x: floats([2, 5]), indices: ints([2, 2], [3, 0, 1, 4]) },
    },
  ],
  softmax: [
    { about: "the last axis", operands: { x: floats([3, 4]) } },
    { about: "the first axis", operands: { x: floats([3, 4]) }, attrs: { axis: 0 } },
  ],
  log_softmax: [
    { about: "the last axis", operands: { x: floats([3, 4]) } },
    { about: "the middle axis", operands: { x: floats([2, 3, 4]) }, attrs: { axis: 1 } },
  ],
  matmul: [
    { about: "matrices", operands: { a: floats([3, 4]), b: floats([4, 5]) } },
    {
      about: "b transposed",
      operands: { a: floats([3, 4]), b: floats([5, 4]) },
      attrs: { transpose_b: true },
    },
    { about: "leading axes stretch", operands: { a: floats([2, 1, 3, 4]), b: floats([3, 4, 5]) } },
    {
      about: "leading axes stretch, b transposed",
      operands: { a: floats([3, 4]), b: floats([2, 5, 4]) },
      attrs: { transpose_b: true },
    },
  ],
  linear: [
    { about: "with bias", operands: { x: floats([2, 3, 4]), weight: floats([5, 4]), bias: floats([5]) } },
    {
      about: "in_out, without bias",
      operands: { x: floats([3, 4]), weight: floats([4, 5]), bias: undefined },
      attrs: { layout: "in_out" },
    },
    {
      about: "one row without a leading axis",
      operands: { x: floats([4]), weight: floats([5, 4]), bias: floats([5]) },
    },
  ],
  embedding: [
    {
      about: "an id three times",
      operands: { table: floats([5, 3]), ids: ints([2, 3], [1, 4, 1, 0, 1, 2]) },
    },
  ],
  routed_linear: [
    {
      about: "a row for each choice, one matrix twice, one never",
      operands: { x: floats([3, 2, 4]), weight: floats([4, 3, 4]), chosen: ints([3, 2], [2, 0, 2, 1, 0, 1]) },
    },
    {
      about: "a row for all choices of a place",
      operands: { x: floats([3, 1, 4]), weight: floats([4, 4, 3]), chosen: ints([3, 2], [2, 0, 3, 1, 0, 1]) },
      attrs: { layout: "in_out" },
    },
  ],
  conv2d: [
    {
      about: "strides, padding, groups, bias",
      operands: { x: floats([2, 4, 5, 6]), weight: floats([6, 2, 3, 2]), bias: floats([6]) },
      attrs: window,
    },
    {
      about: "rows that no window reads",
      operands: { x: floats([1, 1, 6, 6]), weight: floats([2, 1, 2, 2]), bias: undefined },
      attrs: { stride: [3, 3] },
    },
  ],
  max_pool2d: [
    {
      about: "windows that overlap",
      operands: { x: apart([2, 2, 5, 5]) },
      attrs: { kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
    },
  ],
  rope: [
    { about: "halves", operands: { x: floats([2, 2, 3, 4]), positions: undefined } },
    {
      about: "part of the channels, interleaved, heads last, positions, an attention factor",
      operands: { x: floats([2, 3, 2, 6]), positions: ints([3], [4, 9, 2]) },
      attrs: { dims: 4, pairs: "interleaved", layout: "heads_last", attention_factor: 1.3, theta: 100 },
    },
  ],
  linear_attend: [
    { about: "without decay", operands: recurrent({}) },
    {
      about: "with a decay, of a state",
      operands: recurrent({ decay: floats([2, 4, 3]), state: floats([2, 4, 3, 2]) }),
    },
    { about: "with a decay a channel", operands: recurrent({ decay: floats([2, 4, 3, 3]) }) },
    {
      about: "by the delta rule",
      operands: recurrent({ decay: floats([2, 4, 3]), beta: floats([2, 4, 3]), state: floats([2, 4, 3, 2]) }),
    },
    {
      about: "by the delta rule with a decay a channel",
      operands: recurrent({ decay: floats([2, 4, 3, 3]), beta: floats([2, 4, 3]) }),
    },
  ],
  attend: [
    { about: "full, grouped heads", operands: heads(3, 4), attrs: { scale: 0.7 } },
    { about: "causal with a window", operands: heads(5, 5), attrs: { scale: 0.7, causal: true, window: 3 } },
    {
      about: "softcap, alibi, a bias that stretches, a mask with a row that sees nothing",
      operands: {
        ...heads(3, 4),
        bias: floats([1, 4, 1, 4]),
        mask: truths([3, 4], [1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0]),
      },
      attrs: { scale: 0.7, softcap: 1.5, alibi: true },
    },
    {
      about: "heads last",
      operands: {
        q: floats([2, 3, 4, 3]),
        k: floats([2, 5, 2, 3]),
        v: floats([2, 5, 2, 2]),
        bias: undefined,
        mask: undefined,
      },
      attrs: { scale: 0.5, causal: true, layout: "heads_last" },
    },
  ],
  layer_norm: [
    {
      about: "affine",
      operands: { x: floats([3, 5]), weight: floats([5]), bias: floats([5]) },
      attrs: { eps: 1e-3 },
    },
    {
      about: "weight alone",
      operands: { x: floats([2, 3, 5]), weight: floats([5]), bias: undefined },
      attrs: { eps: 1e-3 },
    },
    {
      about: "no affine part",
      operands: { x: floats([3, 5]), weight: undefined, bias: undefined },
      attrs: { eps: 1e-3 },
    },
  ],
  rms_norm: [
    {
      about: "weight",
      operands: { x: floats([3, 5]), weight: floats([5]), bias: undefined },
      attrs: { eps: 1e-3 },
    },
    {
      about: "1 + weight and a bias",
      operands: { x: floats([3, 5]), weight: floats([5]), bias: floats([5]) },
      attrs: { eps: 1e-3, unit_offset: true },
    },
  ],
  l2_norm: [
    { about: "long rows", operands: { x: floats([3, 5], 0.5, 2) } },
    { about: "rows shorter than eps", operands: { x: floats([3, 5], -0.1, 0.1) }, attrs: { eps: 2 } },
  ],
  batch_norm: [
    {
      about: "pictures",
      operands: {
        x: floats([2, 3, 2, 2]),
        mean: floats([3]),
        variance: floats([3], 0.5, 2),
        weight: floats([3]),
        bias: floats([3]),
      },
      attrs: { eps: 1e-3 },
    },
    {
      about: "the last axis, no affine part",
      operands: {
        x: floats([4, 3]),
        mean: floats([3]),
        variance: floats([3], 0.5, 2),
        weight: undefined,
        bias: undefined,
      },
      attrs: { eps: 1e-3, axis: 1 },
    },
  ],
  batch_statistics: [
    {
      about: "pictures",
      operands: { x: floats([2, 3, 2, 2]), running_mean: floats([3]), running_variance: floats([3], 0.5, 2) },
      ignoredResults: [2, 3],
      fixed: ["running_mean", "running_variance"],
    },
  ],
  dropout: [
    {
      about: "half of the elements",
      operands: { x: floats([4, 5]), key: ints([2], [3, 8]) },
      attrs: { rate: 0.5, stream: 2 },
    },
    { about: "without a key", operands: { x: floats([4]), key: undefined }, attrs: { rate: 0.5 } },
  ],
  cross_entropy: [
    { about: "rows", operands: { logits: floats([4, 5]), targets: ints([4], [1, 0, 4, 2]) } },
    {
      about: "smoothing and an ignored row",
      operands: { logits: floats([2, 2, 5]), targets: ints([2, 2], [1, -1, 4, 2]) },
      attrs: { smoothing: 0.2, ignore: -1 },
    },
  ],
  mean_squared_error: [{ about: "both sides", operands: { x: floats([2, 3]), y: floats([2, 3]) } }],
};
