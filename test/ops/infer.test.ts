import { describe, expect, test } from "vitest";
import { makeValue, tryMakeNode } from "../../src/ir/node.ts";
import { Mismatch } from "../../src/ops/define.ts";
import { isScalarName } from "../../src/ops/scalar.ts";
import { opNames, recordOf, type OpName } from "../../src/ops/table.ts";
import { dim, multiplyDims, symbolDim, type Dim } from "../../src/tensor/dim.ts";
import type { Dtype } from "../../src/tensor/dtype.ts";
import { showType, tensorType, type TensorType } from "../../src/tensor/type.ts";
import { readGraph } from "../../src/ir/read.ts";

const [B, T] = [symbolDim("B"), symbolDim("T")];

/** `f32[B, T, 8]` as IR text writes types. */
function type(text: string): TensorType {
  const { graph, diagnostics } = readGraph({
    name: "type",
    text: `graph g {\n dim B\n dim T\n dim H\n input %x: ${text}\n}`,
  });
  expect(diagnostics).toEqual([]);
  return graph!.inputs[0]!.value.type;
}

type Texts = Readonly<Record<string, string | readonly string[]>>;

/** Applies an op to operands of the types that texts write. */
function apply(op: OpName, operands: Texts, attrs: object) {
  const spec = recordOf(op).operands;
  const values = Object.entries(spec).map(([name, kind]) => {
    const text = operands[name];
    if (Array.isArray(text)) return [name, text.map((each: string) => makeValue(type(each)))];
    if (text === undefined) return [name, kind === "many" ? [] : undefined];
    return [name, makeValue(type(text as string))];
  });
  return tryMakeNode(op, Object.fromEntries(values) as never, attrs as never);
}

function typesOf(op: OpName, operands: Texts, attrs: object = {}): string[] {
  const node = apply(op, operands, attrs);
  if (node instanceof Mismatch) throw new Error(`${node.blamed}: ${node.message}`);
  return node.results.map((value) => showType(value.type));
}

const shape = (...sizes: (Dim | number)[]): readonly Dim[] => tensorType("f32", ...sizes).shape;
const step = (op: string, ...args: (string | number)[]) => ({
  op,
  args: args.map((arg) =>
    typeof arg === "number"
      ? { kind: "number", value: arg }
      : { kind: arg.startsWith("i") ? "input" : "step", index: Number(arg.slice(1)) },
  ),
});
const attention = { q: "f32[B, 4, T, 8]", k: "f32[B, 2, T, 8]", v: "f32[B, 2, T, 6]" };
const join = { source: "f32[B, T, 8]", branches: ["f32[B, T, 8]"] };
const fused = { norm: "rms", affines: ["weight"] };

describe("results have the types that the formulas say, with run-time sizes", () => {
  const cases: readonly [OpName, Texts, object, string[]][] = [
    ["constant", {}, { dtype: "f32", shape: shape(2), values: [1, 2] }, ["f32[2]"]],
    ["full", {}, { dtype: "bool", shape: shape(B, T), value: 1 }, ["bool[B, T]"]],
    ["iota", {}, { size: T }, ["i32[T]"]],
    ["relative_bucket", {}, { rows: T, columns: T, buckets: 32, far: 128, causal: false }, ["i32[T, T]"]],
    ["reshape", { x: "f32[B, T, 8]" }, { shape: shape(multiplyDims(B, T), 8) }, ["f32[B*T, 8]"]],
    ["permute", { x: "f32[B, T, 8]" }, { axes: [1, 2, 0] }, ["f32[T, 8, B]"]],
    ["broadcast", { x: "f32[1, 8]" }, { shape: shape(B, T, 8) }, ["f32[B, T, 8]"]],
    ["slice", { x: "f32[B, T + 1]" }, { axis: 1, start: dim(1), size: T }, ["f32[B, T]"]],
    ["concat", { values: ["f32[B, T]", "f32[B, 2*T + 1]"] }, { axis: 1 }, ["f32[B, 3*T + 1]"]],
    ["cast", { x: "f32[B]" }, { dtype: "f16" }, ["f16[B]"]],
    ["write", { x: "f32[B, 9]", part: "f32[B, T]" }, { axis: 1, start: dim(2) }, ["f32[B, 9]"]],
    ["write", { x: "i32[T, 9]", part: "i32[2, 9]" }, { axis: 0, start: B }, ["i32[T, 9]"]],
    ["add", { x: "f16[B, T, 8]", y: "f32[]" }, {}, ["f16[B, T, 8]"]],
    ["add", { x: "i32[B, T]", y: "f32[]" }, {}, ["f32[B, T]"]],
    ["mul", { x: "f32[B, T, 8]", y: "bool[B, T, 1]" }, {}, ["f32[B, T, 8]"]],
    ["lt", { x: "i32[T, 1]", y: "i32[T]" }, {}, ["bool[T, T]"]],
    ["where", { condition: "bool[T, 1]", x: "f32[]", y: "f16[8]" }, {}, ["f16[T, 8]"]],
    ["reduce_sum", { x: "f32[B, T, 8]" }, { axes: [0, 2], keep: true }, ["f32[1, T, 1]"]],
    ["reduce_max", { x: "i32[B, T]" }, { axes: [1] }, ["i32[B]"]],
    ["topk", { x: "f32[B, 10]" }, { k: 3 }, ["f32[B, 3]", "i32[B, 3]"]],
    ["spread", { values: "f32[B, 3]", indices: "i32[B, 3]" }, { size: 10 }, ["f32[B, 10]"]],
    ["matmul", { a: "f32[B, 4, T, 8]", b: "f32[1, 4, T, 8]" }, { transpose_b: true }, ["f32[B, 4, T, T]"]],
    ["linear", { x: "f32[B, T, 8]", weight: "f16[24, 8]", bias: "f16[24]" }, {}, ["f32[B, T, 24]"]],
    ["embedding", { table: "f16[100, 8]", ids: "i32[B, T]" }, {}, ["f16[B, T, 8]"]],
    [
      "conv2d",
      { x: "f32[B, 3, H, 32]", weight: "f32[16, 3, 7, 7]" },
      { stride: [2, 2], padding: [3, 3] },
      ["f32[B, 16, div(H - 1, 2) + 1, 16]"],
    ],
    [
      "max_pool2d",
      { x: "f32[B, 3, 8, 9]" },
      { kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
      ["f32[B, 3, 4, 5]"],
    ],
    ["attend", attention, { scale: 1 }, ["f32[B, 4, T, 6]"]],
    [
      "linear_attend",
      { q: "f32[B, 2, T, 8]", k: "f32[B, 2, T, 8]", v: "f32[B, 4, T, 6]", decay: "f32[B, 4, T, 8]" },
      {},
      ["f32[B, 4, T, 6]", "f32[B, 4, 8, 6]"],
    ],
    [
      "linear_attend_grad",
      { grad: "f32[B, 4, T, 6]", q: "f32[B, 2, T, 8]", k: "f32[B, 2, T, 8]", v: "f32[B, 4, T, 6]" },
      {},
      [
        "f32[B, 2, T, 8]",
        "f32[B, 2, T, 8]",
        "f32[B, 4, T, 6]",
        "f32[B, 4, T]",
        "f32[B, 4, T]",
        "f32[B, 4, 8, 6]",
      ],
    ],
    ["dropout", { x: "f32[B, T]", key: "i32[2]" }, { rate: 0.5 }, ["f32[B, T]"]],
    [
      "batch_statistics",
      { x: "f32[B, 4]", running_mean: "f32[4]", running_variance: "f32[4]" },
      {},
      ["f32[4]", "f32[4]", "f32[4]", "f32[4]"],
    ],
    [
      "norm_grad",
      { grad: "f32[B, T, 4]", x: "f32[B, T, 4]", weight: "f32[4]" },
      { norm: "layer", eps: 0, bias: true },
      ["f32[B, T, 4]", "f32[4]", "f32[4]"],
    ],
    [
      "batch_norm_grad",
      { grad: "f32[B, 4]", x: "f32[B, 4]", mean: "f32[4]", variance: "f32[4]" },
      { eps: 0 },
      ["f32[B, 4]", "f32[4]", "f32[4]", "f32[4]", "f32[4]"],
    ],
    [
      "batch_statistics_grad",
      { x: "f32[B, 4, T]", mean: "f32[4]", grad_mean: "f32[4]", grad_variance: "f32[4]" },
      {},
      ["f32[B, 4, T]"],
    ],
    [
      "attend_grad",
      { ...attention, grad: "f32[B, 4, T, 6]", bias: "f32[T, T]" },
      { scale: 1 },
      ["f32[B, 4, T, 8]", "f32[B, 2, T, 8]", "f32[B, 2, T, 6]", "f32[T, T]"],
    ],
    [
      "attend_grad",
      { ...attention, grad: "f32[B, 4, T, 6]" },
      { scale: 1, observe: true },
      ["f32[B, 4, T, 8]", "f32[B, 2, T, 8]", "f32[B, 2, T, 6]", "f32[B, 4, T]", "f32[B, 4, T]"],
    ],
    ["embedding_grad", { grad: "f32[B, T, 4]", ids: "i32[B, T]" }, { rows: dim(9) }, ["f32[9, 4]"]],
    [
      "routed_linear",
      { x: "f32[B, T, 1, 6]", weight: "f32[9, 4, 6]", chosen: "i32[B, T, 2]" },
      {},
      ["f32[B, T, 2, 4]"],
    ],
    [
      "routed_linear",
      { x: "f32[T, 2, 4]", weight: "f16[9, 4, 6]", chosen: "i32[T, 2]" },
      { layout: "in_out" },
      ["f32[T, 2, 6]"],
    ],
    [
      "routed_weight_grad",
      { grad: "f32[B, 2, 4]", x: "f32[B, 1, 6]", chosen: "i32[B, 2]" },
      { experts: dim(9) },
      ["f32[9, 4, 6]"],
    ],
    ["linear_weight_grad", { grad: "f32[B, T, 4]", x: "f32[B, T, 6]" }, {}, ["f32[4, 6]"]],
    ["linear_weight_grad", { grad: "f32[B, 4]", x: "f32[B, 6]" }, { layout: "in_out" }, ["f32[6, 4]"]],
    ["cross_entropy_grad", { grad: "f32[]", logits: "f32[B, 4]", targets: "i32[B]" }, {}, ["f32[B, 4]"]],
    [
      "conv2d_x_grad",
      { grad: "f32[B, 2, 3, 3]", weight: "f32[2, 1, 3, 3]" },
      { height: dim(6), width: dim(7), stride: [2, 2], padding: [1, 0], groups: 2 },
      ["f32[B, 2, 6, 7]"],
    ],
    [
      "conv2d_weight_grad",
      { grad: "f32[B, 2, 3, 3]", x: "f32[B, 4, 5, 5]" },
      { kernel: [3, 3], groups: 2 },
      ["f32[2, 2, 3, 3]"],
    ],
    [
      "max_pool2d_grad",
      { grad: "f32[B, 2, 2, 2]", x: "f32[B, 2, 4, 5]" },
      { kernel: [2, 2], stride: [2, 2] },
      ["f32[B, 2, 4, 5]"],
    ],
    ["take", { x: "f32[B, 4]", indices: "i32[B, 2]" }, {}, ["f32[B, 2]"]],
    ["recompute", { x: "i32[B, 4]", after: "f32[T]" }, {}, ["i32[B, 4]"]],
    ["extent", {}, { size: multiplyDims(B, T) }, ["f32[]"]],
    ["cross_entropy", { logits: "f32[B, T, 10]", targets: "i32[B, T]" }, {}, ["f32[]"]],
    ["residual", { source: "f32[T, 8]", branches: ["f32[B, T, 8]"] }, { edge: 0 }, ["f32[B, T, 8]"]],
    ["add_norm", { ...join, weights: ["f32[8]"] }, fused, ["f32[B, T, 8]", "f32[B, T, 8]"]],
    [
      "elementwise",
      { inputs: ["f16[B, 8]", "f16[8]"] },
      { program: { steps: [step("mul", "i1", 0.5), step("gt", "t0", "i0")] } },
      ["bool[B, 8]"],
    ],
    ["elementwise", { inputs: ["i32[B]"] }, { program: { steps: [step("add", "i0", 1)] } }, ["i32[B]"]],
    ["elementwise", { inputs: ["i32[B]"] }, { program: { steps: [step("add", "i0", 0.5)] } }, ["f32[B]"]],
  ];
  test.each(cases)("%s of %j", (op, operands, attrs, expected) => {
    expect(typesOf(op, operands, attrs)).toEqual(expected);
  });
});

/** Operand to blame and message, for every op that can be misapplied and every way to do so. */
const mismatches: { readonly [K in OpName]?: readonly [Texts, object, string][] } = {
  constant: [
    [{}, { dtype: "f32", shape: shape(3), values: [1] }, "values: expected 3 values for [3], got 1"],
    [
      {},
      { dtype: "f32", shape: shape(B), values: [1] },
      "shape: a constant needs sizes known at compile time, got [B]",
    ],
  ],
  full: [[{}, { dtype: "f32", shape: shape(-1), value: 0 }, "shape: a size cannot be -1"]],
  iota: [[{}, { size: dim(-2) }, "size: a size cannot be -2"]],
  relative_bucket: [
    [
      {},
      { rows: T, columns: T, buckets: 2, far: 9, causal: false },
      "buckets: expected a whole number of at least 4, got 2",
    ],
    [
      {},
      { rows: T, columns: T, buckets: 32, far: 8, causal: false },
      "far: expected a whole number of at least 9, got 8",
    ],
  ],
  reshape: [
    [{ x: "f32[B, 6]" }, { shape: shape(B, 7) }, "shape: f32[B, 6] has 6*B elements, [B, 7] has 7*B"],
  ],
  permute: [[{ x: "f32[B, 6]" }, { axes: [0, 0] }, "axes: [0, 0] does not name each axis of f32[B, 6] once"]],
  broadcast: [[{ x: "f32[B, 6]" }, { shape: shape(6) }, "shape: f32[B, 6] does not stretch to [6]"]],
  slice: [
    [{ x: "f32[B, 6]" }, { axis: 2, start: dim(0), size: dim(1) }, "axis: there is no axis 2 in f32[B, 6]"],
    [
      { x: "f32[B, 6]" },
      { axis: 1, start: dim(4), size: dim(3) },
      "size: 3 from 4 reaches past axis 1 of f32[B, 6]",
    ],
    [
      { x: "f32[B, T]" },
      { axis: 1, start: dim(1), size: T },
      "size: T from 1 reaches past axis 1 of f32[B, T]",
    ],
  ],
  write: [
    [
      { x: "f32[B, 6]", part: "f32[B, 1]" },
      { axis: 2, start: dim(0) },
      "axis: there is no axis 2 in f32[B, 6]",
    ],
    [
      { x: "f32[B, 6]", part: "i32[B, 1]" },
      { axis: 1, start: dim(0) },
      "part: expected f32 as x has, got i32[B, 1]; cast one of them",
    ],
    [
      { x: "f32[B, 6]", part: "f32[T, 1]" },
      { axis: 1, start: dim(0) },
      "part: expected the shape of f32[B, 6] but for axis 1, got f32[T, 1]",
    ],
    [
      { x: "f32[B, 6]", part: "f32[6]" },
      { axis: 1, start: dim(0) },
      "part: expected the shape of f32[B, 6] but for axis 1, got f32[6]",
    ],
    [
      { x: "f32[B, 6]", part: "f32[B, 3]" },
      { axis: 1, start: dim(4) },
      "part: 3 from 4 reaches past axis 1 of f32[B, 6]",
    ],
    [
      { x: "f32[T, 6]", part: "f32[T, 6]" },
      { axis: 0, start: dim(1) },
      "part: T from 1 reaches past axis 0 of f32[T, 6]",
    ],
  ],
  concat: [
    [{ values: [] }, { axis: 0 }, "values: expected at least one value"],
    [
      { values: ["f32[B, 2]", "f32[T, 2]"] },
      { axis: 1 },
      "values: f32[T, 2] does not join f32[B, 2] along axis 1: the other axes must agree",
    ],
    [
      { values: ["f32[B]", "i32[B]"] },
      { axis: 0 },
      "values: expected f32 as the first has, got i32[B]; cast one of them",
    ],
  ],
  add: [
    [{ x: "f32[B, T, 8]", y: "f32[3]" }, {}, "y: f32[3] does not broadcast with x, f32[B, T, 8]"],
    [{ x: "f32[B]", y: "f32[T]" }, {}, "y: f32[T] does not broadcast with x, f32[B]"],
    [{ x: "f32[8]", y: "f16[8]" }, {}, "y: expected f32 as x has, got f16[8]; cast one of them"],
    [
      { x: "bool[8]", y: "bool[8]" },
      {},
      "x: add of bool elements has no meaning; cast them, or combine them with and, or, not",
    ],
  ],
  exp: [[{ x: "i32[B]" }, {}, "x: exp needs float elements, got i32[B]; cast them first"]],
  and: [[{ x: "bool[B]", y: "f32[B]" }, {}, "y: expected bool elements, got f32[B]"]],
  where: [
    [{ condition: "f32[B]", x: "f32[B]", y: "f32[B]" }, {}, "condition: expected bool elements, got f32[B]"],
  ],
  reduce_sum: [
    [{ x: "f32[B]" }, { axes: [1] }, "axes: there is no axis 1 in f32[B]"],
    [{ x: "f32[B]" }, { axes: [-1] }, "axes: there is no axis -1 in f32[B]"],
    [{ x: "f32[B]" }, { axes: [0, 0] }, "axes: [0, 0] names an axis twice"],
    [{ x: "bool[B]" }, { axes: [0] }, "x: expected numbers, got bool[B]; cast them first"],
  ],
  reduce_max: [[{ x: "f32[B]" }, { axes: [1] }, "axes: there is no axis 1 in f32[B]"]],
  reduce_min: [[{ x: "bool[B]" }, { axes: [0] }, "x: expected numbers, got bool[B]; cast them first"]],
  reduce_mean: [[{ x: "i32[B]" }, { axes: [0] }, "x: expected float elements, got i32[B]"]],
  cumsum: [[{ x: "f32[B]" }, { axis: 3 }, "axis: there is no axis 3 in f32[B]"]],
  topk: [
    [{ x: "f32[B, 4]" }, { k: 5 }, "k: cannot take 5 of 4 elements of f32[B, 4]"],
    [{ x: "f32[B, 4]" }, { k: 0 }, "k: expected a whole number of at least 1, got 0"],
    [{ x: "f32[]" }, { k: 1 }, "x: expected at least 1 axis, got f32[]"],
  ],
  spread: [
    [
      { values: "f32[B, 2]", indices: "i32[B, 3]" },
      { size: 4 },
      "indices: expected the shape of values, f32[B, 2], got i32[B, 3]",
    ],
    [
      { values: "f32[B, 2]", indices: "f32[B, 2]" },
      { size: 4 },
      "indices: expected whole-number elements, got f32[B, 2]",
    ],
    [{ values: "f32[B, 5]", indices: "i32[B, 5]" }, { size: 4 }, "size: 5 values do not fit in 4 places"],
  ],
  softmax: [[{ x: "f32[B, 4]" }, { axis: -3 }, "axis: there is no axis -3 in f32[B, 4]"]],
  log_softmax: [[{ x: "i32[B, 4]" }, {}, "x: expected float elements, got i32[B, 4]"]],
  matmul: [
    [{ a: "f32[B, T, 8]", b: "f32[7, 5]" }, {}, "b: expected 8 rows, as a has columns, got f32[7, 5]"],
    [
      { a: "f32[B, T, 8]", b: "f32[8, 5]" },
      { transpose_b: true },
      "b: expected 8 columns, as a has columns, got f32[8, 5]",
    ],
    [
      { a: "f32[2, T, 8]", b: "f32[3, 8, 5]" },
      {},
      "b: the leading axes of f32[3, 8, 5] do not broadcast with a, f32[2, T, 8]",
    ],
    [{ a: "f32[8]", b: "f32[8, 5]" }, {}, "a: expected at least 2 axes, got f32[8]"],
  ],
  routed_linear: [
    [
      { x: "f32[B, 1, 8]", weight: "f32[4, 8]", chosen: "i32[B, 2]" },
      {},
      "weight: expected [E, N, K], with 3 axes, got f32[4, 8]",
    ],
    [
      { x: "f32[B, 3, 8]", weight: "f32[4, 5, 8]", chosen: "i32[B, 2]" },
      {},
      "x: expected a row for each choice, or one for all choices of a place, of i32[B, 2], got f32[B, 3, 8]",
    ],
    [
      { x: "f32[B, 1, 8]", weight: "f32[4, 5, 8]", chosen: "f32[B, 2]" },
      {},
      "chosen: expected whole-number elements, got f32[B, 2]",
    ],
    [
      { x: "f32[B, 1, 8]", weight: "f32[4, 5, 8]", chosen: "i32[B, 2]" },
      { layout: "in_out" },
      "weight: expected matrices of 8 rows, the width of x, got f32[4, 5, 8]",
    ],
  ],
  linear: [
    [{ x: "f32[B, 8]", weight: "f32[8]" }, {}, "weight: expected a matrix, with 2 axes, got f32[8]"],
    [
      { x: "f32[B, 8]", weight: "f32[24, 7]" },
      {},
      "weight: expected 8 columns, the width of x, got f32[24, 7]",
    ],
    [
      { x: "f32[B, 8]", weight: "f32[24, 8]" },
      { layout: "in_out" },
      "weight: expected 8 rows, the width of x, got f32[24, 8]",
    ],
    [
      { x: "f32[B, 8]", weight: "f32[24, 8]", bias: "f32[8]" },
      {},
      "bias: expected [24], the width of the result, got f32[8]",
    ],
    [{ x: "i32[B, 8]", weight: "f32[24, 8]" }, {}, "x: expected float elements, got i32[B, 8]"],
  ],
  linear_epilogue: [
    [
      { x: "f32[B, 8]", weight: "f32[4, 8]", extras: ["f32[5]"] },
      { epilogue: { steps: [step("add", "i0", "i1")] } },
      "extras: expected [4], [1] or the shape of the result, f32[B, 4], got f32[5]",
    ],
    [
      { x: "f32[B, 8]", weight: "f32[4, 8]" },
      { epilogue: { steps: [step("add", "i0", "i1")] } },
      "epilogue: step 0, add, reads i1, which does not exist",
    ],
  ],
  dequantize: [
    [
      { codes: "i32[4, 8]", scales: "f32[4, 2]" },
      {},
      "scales: expected f32[4, 1], one a block of 32, got f32[4, 2]",
    ],
    [{ codes: "i32[4, 8]", scales: "f32[4, 1]" }, { bits: 6 }, "bits: expected 4, 5 or 8 bits a code, got 6"],
    [
      { codes: "i32[4, 7]", scales: "f32[4, 1]" },
      {},
      "codes: expected rows of a known multiple of 32 codes, got i32[4, 7]",
    ],
    [{ codes: "f32[4, 8]", scales: "f32[4, 1]" }, {}, "codes: expected i32 words, got f32[4, 8]"],
  ],
  round_blocks: [
    [{ x: "f32[B, 40]" }, {}, "x: expected rows of a known multiple of 32 elements, got f32[B, 40]"],
  ],
  packed_embedding: [
    [
      { codes: "i32[4, 8]", scales: "f32[4, 1]", ids: "i32[B]" },
      { entries: 3 },
      "entries: expected 4, the rows of the table, got 3",
    ],
  ],
  packed_linear: [
    [
      { x: "f32[B, 64]", codes: "i32[4, 8]", scales: "f32[4, 1]" },
      { epilogue: { steps: [] } },
      "codes: expected rows as wide as x, f32[B, 64], got those of f32[4, 32]",
    ],
  ],
  packed_routed_linear: [
    [
      { x: "f32[B, 2, 32]", codes: "i32[24, 8]", scales: "f32[24, 1]", chosen: "i32[B, 2]" },
      { experts: 2 },
      "experts: expected 24 rows to be those of matrices of a multiple of 8 rows, got 2",
    ],
    [
      { x: "f32[B, 2, 64]", codes: "i32[24, 8]", scales: "f32[24, 1]", chosen: "i32[B, 2]" },
      { experts: 3 },
      "codes: expected matrices of 64 columns, the width of x, got f32[3, 8, 32]",
    ],
  ],
  embedding: [
    [{ table: "f32[8]", ids: "i32[B]" }, {}, "table: expected a matrix, with 2 axes, got f32[8]"],
    [{ table: "f32[9, 8]", ids: "f32[B]" }, {}, "ids: expected whole-number elements, got f32[B]"],
  ],
  conv2d: [
    [
      { x: "f32[B, 3, 8, 8]", weight: "f32[4, 2, 3, 3]" },
      {},
      "weight: expected 3 channels in 1 groups, as x has, got f32[4, 2, 3, 3]",
    ],
    [
      { x: "f32[B, 4, 8, 8]", weight: "f32[3, 2, 3, 3]" },
      { groups: 2 },
      "groups: 3 output channels do not split into 2 groups",
    ],
    [
      { x: "f32[B, 3, 2, 8]", weight: "f32[4, 3, 3, 3]" },
      {},
      "x: f32[B, 3, 2, 8] is smaller than the kernel [3, 3]",
    ],
    [
      { x: "f32[B, 3, 8, 8]", weight: "f32[4, 3, 3, 3]" },
      { stride: [0, 1] },
      "stride: expected a whole number of at least 1, got 0",
    ],
    [
      { x: "f32[3, 8, 8]", weight: "f32[4, 3, 3, 3]" },
      {},
      "x: expected [B, C, H, W], with 4 axes, got f32[3, 8, 8]",
    ],
  ],
  max_pool2d: [
    [{ x: "f32[B, 3, 8, 8]" }, { kernel: [2], stride: [2, 2] }, "kernel: expected 2 numbers, got [2]"],
    [
      { x: "f32[B, 3, 8, 8]" },
      { kernel: [2, 2], stride: [2, 2], padding: [2, 2] },
      "padding: [2, 2] is more than half of the kernel [2, 2]",
    ],
  ],
  rope: [
    [{ x: "f32[B, 2, T, 7]" }, {}, "x: channels turn in pairs: expected an even number of at most 7, got 7"],
    [
      { x: "f32[B, 2, T, 8]" },
      { dims: 10 },
      "dims: channels turn in pairs: expected an even number of at most 8, got 10",
    ],
    [{ x: "f32[B, 2, T, 8]", positions: "i32[B]" }, {}, "positions: expected [T] or [B, T], got i32[B]"],
    [
      { x: "f32[B, 2, T, 8]" },
      { scaling: "yarn", factor: 4 },
      "original: expected a whole number of at least 1, got 0",
    ],
    [
      { x: "f32[B, 2, T, 8]" },
      { scaling: "llama3", original: 8, low_freq_factor: 4, high_freq_factor: 4 },
      "high_freq_factor: expected more than low_freq_factor, 4, got 4",
    ],
    [
      { x: "f32[B, 2, T, 8]" },
      { scaling: "linear", factor: 0.5 },
      "factor: expected a number of at least 1, got 0.5",
    ],
    [{ x: "f32[B, 2, T, 8]" }, { theta: 0 }, "theta: expected a number above 0, got 0"],
    [
      { x: "f32[B, 2, T, 8]" },
      { scaling: "yarn", theta: 1, factor: 4, original: 8 },
      "theta: yarn needs pairs of different speeds: more than 1, got 1",
    ],
    [
      { x: "f32[B, 2, T, 8]" },
      { scaling: "dynamic", dims: 2, factor: 4, original: 8 },
      "dims: the scaling dynamic slows all pairs but the first: expected more than 2 channels",
    ],
    [
      { x: "f32[B, 2, T, 2]" },
      { scaling: "ntk", factor: 4 },
      "x: the scaling ntk slows all pairs but the first: expected more than 2 channels",
    ],
    [
      { x: "f32[B, 2, T, 9]" },
      { scaling: "proportional", dims: 4 },
      "dims: channels turn in pairs: expected an even number of at most 9, got 9",
    ],
    [
      { x: "f32[B, 2, T, 8]" },
      { scaling: "longrope", original: 8, short_factor: [1, 2, 3], long_factor: [1, 2, 3, 4] },
      "short_factor: expected 4 numbers, one for each pair of channels, got 3",
    ],
    [
      { x: "f32[B, 2, T, 8]" },
      { scaling: "longrope", original: 8, short_factor: [1, 2, 3, 4], long_factor: [1, 2, 0, 4] },
      "long_factor: expected a number above 0, got 0",
    ],
    [
      { x: "f32[B, 2, T, 8]" },
      { attention_factor: Infinity },
      "attention_factor: expected a number of at least 0, got Infinity",
    ],
  ],
  linear_attend: [
    [
      { q: "f32[B, 3, T, 8]", k: "f32[B, 3, T, 8]", v: "f32[B, 4, T, 6]" },
      {},
      "v: 3 heads of q do not serve 4 heads of v evenly",
    ],
    [
      { q: "f32[B, 2, T, 8]", k: "f32[B, 1, T, 8]", v: "f32[B, 4, T, 6]" },
      {},
      "k: expected f32[B, 2, T, 8], got f32[B, 1, T, 8]",
    ],
    [
      { q: "f32[B, 2, T, 8]", k: "f32[B, 2, T, 8]", v: "f32[B, 4, 3, 6]" },
      {},
      "v: expected the batch and length of q, f32[B, 2, T, 8], got f32[B, 4, 3, 6]",
    ],
    [
      { q: "f32[B, 2, T, 8]", k: "f32[B, 2, T, 8]", v: "f32[B, 4, T, 6]", decay: "f32[B, T]" },
      {},
      "decay: expected f32[B, 4, T], got f32[B, T]",
    ],
    [
      { q: "f32[B, 2, T, 8]", k: "f32[B, 2, T, 8]", v: "f32[B, 4, T, 6]", state: "f32[B, 4, 6, 8]" },
      {},
      "state: expected f32[B, 4, 8, 6], got f32[B, 4, 6, 8]",
    ],
  ],
  linear_attend_grad: [
    [
      { grad: "f32[B, 4, T, 8]", q: "f32[B, 2, T, 8]", k: "f32[B, 2, T, 8]", v: "f32[B, 4, T, 6]" },
      {},
      "grad: expected f32[B, 4, T, 6], got f32[B, 4, T, 8]",
    ],
  ],
  attend: [
    [
      { ...attention, k: "f32[B, 3, T, 8]", v: "f32[B, 3, T, 8]" },
      { scale: 1 },
      "k: 4 heads of q do not share 3 heads of k evenly",
    ],
    [
      { ...attention, k: "f32[B, 2, T, 6]" },
      { scale: 1 },
      "k: expected the batch and head width of q, f32[B, 4, T, 8], got f32[B, 2, T, 6]",
    ],
    [
      { ...attention, v: "f32[B, 4, T, 8]" },
      { scale: 1 },
      "v: expected the batch, heads and length of k, f32[B, 2, T, 8], got f32[B, 4, T, 8]",
    ],
    [
      { ...attention, q: "f32[B, T, 8]" },
      { scale: 1 },
      "q: expected [B, H, T, K], with 4 axes, got f32[B, T, 8]",
    ],
    [{ ...attention, mask: "f32[T, T]" }, { scale: 1 }, "mask: expected bool elements, got f32[T, T]"],
    [
      { ...attention, bias: "f32[3, T, T]" },
      { scale: 1 },
      "bias: f32[3, T, T] does not broadcast to the scores, f32[B, 4, T, T]",
    ],
    [attention, { scale: 1, window: 0 }, "window: expected a whole number of at least 1, got 0"],
  ],
  layer_norm: [
    [{ x: "f32[B, 8]", weight: "f32[9]" }, { eps: 1e-5 }, "weight: expected [8], the width of x, got f32[9]"],
    [
      { x: "f32[B, 8]", bias: "f32[1, 8]" },
      { eps: 1e-5 },
      "bias: expected [8], the width of x, got f32[1, 8]",
    ],
    [{ x: "f32[B, 8]" }, { eps: -1 }, "eps: expected a number of at least 0, got -1"],
    [{ x: "f32[]" }, { eps: 0 }, "x: expected at least 1 axis, got f32[]"],
  ],
  rms_norm: [[{ x: "i32[B, 8]" }, { eps: 0 }, "x: expected float elements, got i32[B, 8]"]],
  l2_norm: [[{ x: "f32[]" }, {}, "x: expected at least 1 axis, got f32[]"]],
  batch_norm: [
    [
      { x: "f32[B, 8]", mean: "f32[7]", variance: "f32[8]" },
      { eps: 0 },
      "mean: expected [8], the width of axis 1 of x, got f32[7]",
    ],
    [{ x: "f32[B]", mean: "f32[7]", variance: "f32[8]" }, { eps: 0 }, "axis: there is no axis 1 in f32[B]"],
  ],
  add_norm: [
    [
      { ...join, branches: ["f32[B, T, 1]"] },
      fused,
      "branches: the edge carries f32[B, T, 8], the branch gives f32[B, T, 1]",
    ],
    [{ ...join, source: "f32[T, 8]" }, fused, "branches: a branch is larger than the source, f32[T, 8]"],
    [
      { ...join, source_gain: "f32[T, 1]", weights: ["f32[8]"] },
      fused,
      "source_gain: expected a gain of rank 1, got f32[T, 1]",
    ],
    [join, fused, "weights: affines name 1 weights, got 0"],
    [{ ...join, weights: ["f32[7]"] }, fused, "weights: expected [8], the width of the row, got f32[7]"],
    [join, { norm: "rms", affines: [] }, "affines: expected at least one norm"],
    [join, { norm: "none", affines: [], keep_sum: false }, "norm: without a norm the sum is the only result"],
    [
      join,
      { norm: "none", affines: [], order: "in_turn", inner: "rms" },
      "order: an inner norm needs the sum of the branches before the source is added",
    ],
  ],
  cross_entropy: [
    [
      { logits: "f32[B, T, 9]", targets: "i32[B]" },
      {},
      "targets: expected i32[B, T], one a row of logits, got i32[B]",
    ],
  ],
  mean_squared_error: [[{ x: "f32[B]", y: "f32[T]" }, {}, "y: expected the shape of x, f32[B], got f32[T]"]],
  accuracy: [
    [{ logits: "f32[B, 9]", targets: "f32[B]" }, {}, "targets: expected whole-number elements, got f32[B]"],
  ],
  residual: [
    [
      { source: "f32[B, 8]", branches: ["f32[B, 4]"] },
      { edge: 0 },
      "branches: the edge carries f32[B, 8], the branch gives f32[B, 4]",
    ],
    [{ source: "f32[B, 8]", branches: [] }, { edge: 0 }, "branches: expected at least one branch"],
    [
      { source: "f32[B, 8]", branches: ["f16[B, 8]"] },
      { edge: 0 },
      "branches: expected f32 as the source has, got f16[B, 8]; cast one of them",
    ],
    [
      { source: "f32[B, 8]", branches: ["f32[B, 8]"], branch_gain: "f32[4]" },
      { edge: 0 },
      "branch_gain: f32[4] does not broadcast to the edge's sum, [B, 8]",
    ],
  ],
  dropout: [
    [{ x: "f32[B]" }, { rate: 1 }, "rate: expected a share of at least 0 and below 1, got 1"],
    [
      { x: "f32[B]", key: "i32[3]" },
      { rate: 0.5 },
      "key: expected the seed and the number of the step, [2], got i32[3]",
    ],
  ],
  batch_statistics: [
    [
      { x: "f32[B, 4]", running_mean: "f32[4]", running_variance: "f32[3]" },
      {},
      "running_variance: expected [4], the width of axis 1 of x, got f32[3]",
    ],
    [
      { x: "f32[B, 4]", running_mean: "f32[4]", running_variance: "f32[4]" },
      { momentum: 1.5 },
      "momentum: expected a share between 0 and 1, got 1.5",
    ],
  ],
  norm_grad: [
    [
      { grad: "f32[B, 3]", x: "f32[B, 4]" },
      { norm: "rms", eps: 0 },
      "grad: expected f32[B, 4], the type of x, got f32[B, 3]",
    ],
    [
      { grad: "f32[B, 4]", x: "f32[B, 4]", carried: "f32[4]" },
      { norm: "rms", eps: 0 },
      "carried: expected f32[B, 4], the type of x, got f32[4]",
    ],
  ],
  batch_norm_grad: [
    [
      { grad: "f32[B]", x: "f32[B, 4]", mean: "f32[4]", variance: "f32[4]" },
      { eps: 0 },
      "grad: expected f32[B, 4], the type of x, got f32[B]",
    ],
  ],
  batch_statistics_grad: [
    [
      { x: "f32[B, 4]", mean: "f32[4]", grad_mean: "f32[3]", grad_variance: "f32[4]" },
      {},
      "grad_mean: expected [4], the width of axis 1 of x, got f32[3]",
    ],
  ],
  attend_grad: [
    [
      { ...attention, grad: "f32[B, 4, T, 8]" },
      { scale: 1 },
      "grad: expected f32[B, 4, T, 6], the type of the result, got f32[B, 4, T, 8]",
    ],
  ],
  embedding_grad: [
    [
      { grad: "f32[B, 4]", ids: "i32[B, T]" },
      { rows: dim(9) },
      "grad: expected one row for each id of i32[B, T], got f32[B, 4]",
    ],
  ],
  routed_weight_grad: [
    [
      { grad: "f32[B, 3, 4]", x: "f32[B, 1, 6]", chosen: "i32[B, 2]" },
      { experts: dim(9) },
      "grad: expected a row for each choice of i32[B, 2], got f32[B, 3, 4]",
    ],
  ],
  linear_weight_grad: [
    [
      { grad: "f32[B, 4]", x: "f32[T, 4]" },
      {},
      "x: expected as many rows as grad has, f32[B, 4], got f32[T, 4]",
    ],
  ],
  cross_entropy_grad: [
    [
      { grad: "f32[B]", logits: "f32[B, 4]", targets: "i32[B]" },
      {},
      "grad: expected f32[], the type of the loss, got f32[B]",
    ],
  ],
  conv2d_x_grad: [
    [
      { grad: "f32[B, 2, 3, 3]", weight: "f32[2, 1, 3, 3]" },
      { height: dim(7), width: dim(5) },
      "grad: expected f32[B, 2, 5, 3], the type of the result, got f32[B, 2, 3, 3]",
    ],
  ],
  conv2d_weight_grad: [
    [
      { grad: "f32[B, 2, 3, 3]", x: "f32[B, 3, 5, 5]" },
      { kernel: [3, 3], groups: 2 },
      "groups: 3 channels do not split into 2 groups",
    ],
    [
      { grad: "f32[B, 2, 3, 3]", x: "f32[B, 3, 5, 5]" },
      { kernel: [2, 3] },
      "grad: expected f32[B, 2, 4, 3], the type of the result, got f32[B, 2, 3, 3]",
    ],
  ],
  max_pool2d_grad: [
    [
      { grad: "f32[B, 2, 3, 3]", x: "f32[B, 2, 4, 4]" },
      { kernel: [2, 2], stride: [2, 2] },
      "grad: expected f32[B, 2, 2, 2], the type of the result, got f32[B, 2, 3, 3]",
    ],
  ],
  take: [
    [
      { x: "f32[B, 4]", indices: "i32[T, 2]" },
      {},
      "indices: expected the leading axes of x, [B], got i32[T, 2]",
    ],
  ],
  extent: [[{}, { size: dim(-1) }, "size: a size cannot be -1"]],
  elementwise: [
    [{ inputs: ["f32[B]"] }, { program: { steps: [] } }, "program: a program needs at least one step"],
    [
      { inputs: ["f32[B]"] },
      { program: { steps: [step("add", "i0", "t0")] } },
      "program: step 0, add, reads t0, which does not exist",
    ],
    [
      { inputs: ["f32[B]"] },
      { program: { steps: [step("add", "i0")] } },
      "program: step 0, add, takes 2, got 1 arguments",
    ],
    [
      { inputs: ["f32[B]", "f32[T]"] },
      { program: { steps: [step("add", "i0", "i1")] } },
      "i1: step 0, add, f32[T] does not broadcast with i0, f32[B]",
    ],
  ],
};

describe("a mismatch names the operand to blame and the shapes that disagree", () => {
  test("every op has one, but for cast and recompute, which take anything, and elementwise ops, which share their rule", () => {
    const without = opNames.filter((op) => mismatches[op] === undefined && !isScalarName(op));
    expect(without).toEqual(["cast", "recompute"]);
  });

  const all = Object.entries(mismatches).flatMap(([op, list]) =>
    list.map(([operands, attrs, message]) => [op as OpName, message, operands, attrs] as const),
  );
  test.each(all)("%s: %s", (op, message, operands, attrs) => {
    const node = apply(op, operands, attrs);
    expect(node).toBeInstanceOf(Mismatch);
    const { blamed, message: said } = node as Mismatch;
    expect(`${blamed}: ${said}`).toBe(message);
    expect([...Object.keys(recordOf(op).operands), ...Object.keys(recordOf(op).attrs), "i1"]).toContain(
      blamed,
    );
  });
});

test("no op throws for operands of any types, and what fits has whole sizes", () => {
  const types = [
    "f32[]",
    "f32[B]",
    "f32[8]",
    "i32[B, T]",
    "bool[B, T, 8]",
    "f32[B, 2, T, 8]",
    "f16[8, 8]",
  ].map(type);
  const words: Readonly<Record<string, unknown>> = {
    int: 1,
    float: 0.5,
    bool: true,
    dim: T,
    dims: shape(B),
    ints: [1, 0],
    floats: [1],
    dtype: "f32" satisfies Dtype,
  };
  let fitted = 0;
  for (const op of opNames)
    for (const each of types) {
      const { operands, attrs } = recordOf(op);
      const values = Object.entries(operands).map(([name, kind]) => [
        name,
        kind === "many" ? [makeValue(each)] : makeValue(each),
      ]);
      const given = Object.entries(attrs).map(([name, spec]) => {
        const value = spec.kind === "word" ? spec.words![0] : spec.kind === "words" ? [] : words[spec.kind];
        return [name, spec.kind === "expression" ? { steps: [step("neg", "i0")] } : (value ?? spec.default)];
      });
      const node = tryMakeNode(op, Object.fromEntries(values) as never, Object.fromEntries(given) as never);
      if (node instanceof Mismatch) expect(node.message).not.toBe("");
      else fitted++;
    }
  expect(fitted).toBeGreaterThan(100);
});
