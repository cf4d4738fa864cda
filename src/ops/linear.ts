import { bool, expression, float, floats, int, ints, optionalInt, word } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { inferAttend } from "./infer/attention.ts";
import { inferEmbedding, inferLinear, inferLinearEpilogue, inferMatmul } from "./infer/linear.ts";
import { inferRope, ropeScalings } from "./infer/rope.ts";
import { inferConv2d, inferMaxPool2d } from "./infer/spatial.ts";
import { evaluateAttend } from "./evaluate/attend.ts";
import { evaluateExpression } from "./evaluate/elementwise.ts";
import { evaluateEmbedding, evaluateLinear, evaluateMatmul } from "./evaluate/linear.ts";
import { evaluateRope } from "./evaluate/rope.ts";
import { evaluateConv2d, evaluateMaxPool2d } from "./evaluate/spatial.ts";
import { addDims, dim, multiplyDims } from "../tensor/dim.ts";
import { elementsOf } from "../tensor/type.ts";
import { linearAttend } from "./recurrent.ts";
import { routedLinear } from "./routed.ts";
import { perElement, productFlops, expressionFlops, softmaxFlops } from "./flops.ts";

const weightLayout = () => word(["out_in", "in_out"], "out_in");

/** Products of matrices and what is built on them. */
export const linearOps = {
  matmul: defineOp({
    stage: "core",
    kernel: "any",
    doc: "a @ b over the last two axes, [.., M, K] × [.., K, N] (or [.., N, K] with transpose_b), leading axes broadcast",
    operands: { a: "one", b: "one" },
    attrs: { transpose_b: bool(false) },
    results: ["out"],
    infer: ({ a, b }, attrs) => inferMatmul(a, b, attrs.transpose_b),
    evaluate: ({ a, b }, attrs) => [evaluateMatmul(a, b, attrs.transpose_b)],
    flops: ({ a }, _, [out]) => productFlops(out!, a.shape.at(-1)!),
  }),
  linear: defineOp({
    stage: "core",
    doc: "x Wᵀ + b: [.., K] × [N, K] → [.., N]; with layout in_out the weight is [K, N]",
    operands: { x: "one", weight: "one", bias: "optional" },
    attrs: { layout: weightLayout() },
    results: ["out"],
    infer: ({ x, weight, bias }, { layout }) => inferLinear(x, weight, bias, layout),
    evaluate: ({ x, weight, bias }, { layout }) => [evaluateLinear(x, weight, bias, layout)],
    flops: ({ x, bias }, _, [out]) =>
      addDims(productFlops(out!, x.shape.at(-1)!), bias === undefined ? dim(0) : elementsOf(out!)),
  }),
  linear_epilogue: defineOp({
    stage: "kernel",
    kernel: "any",
    doc:
      "linear without bias, then a scalar program on each element before it is stored: i0 is the product, i1, i2, … are " +
      "the extras ([N] for a bias or gain, [1], or the shape of the result)",
    operands: { x: "one", weight: "one", extras: "many" },
    attrs: { layout: weightLayout(), epilogue: expression() },
    results: ["out"],
    infer: ({ x, weight, extras }, { layout, epilogue }) =>
      inferLinearEpilogue(x, weight, extras, layout, epilogue),
    evaluate: ({ x, weight, extras }, { layout, epilogue }) => {
      const product = evaluateLinear(x, weight, undefined, layout);
      return [evaluateExpression(epilogue, [product, ...extras], product.dtype, product.shape)];
    },
    flops: ({ x }, { epilogue }, [out]) =>
      addDims(productFlops(out!, x.shape.at(-1)!), perElement(out!, expressionFlops(epilogue))),
  }),
  embedding: defineOp({
    stage: "core",
    kernel: "any",
    doc: "rows of a table [V, D] by ids [..] → [.., D]",
    operands: { table: "one", ids: "one" },
    attrs: {},
    results: ["out"],
    infer: ({ table, ids }) => inferEmbedding(table, ids),
    evaluate: ({ table, ids }) => [evaluateEmbedding(table, ids)],
  }),
  conv2d: defineOp({
    stage: "core",
    kernel: "any",
    doc: "cross-correlation of x [B, C, H, W] with weight [O, C / groups, R, S], zeros around it, as torch.nn.Conv2d",
    operands: { x: "one", weight: "one", bias: "optional" },
    attrs: { stride: ints([1, 1]), padding: ints([0, 0]), groups: int(1) },
    results: ["out"],
    infer: ({ x, weight, bias }, attrs) => inferConv2d(x, weight, bias, attrs),
    evaluate: ({ x, weight, bias }, attrs) => [evaluateConv2d(x, weight, bias, attrs)],
    flops: ({ weight, bias }, _, [out]) =>
      addDims(productFlops(out!, ...weight.shape.slice(1)), bias === undefined ? dim(0) : elementsOf(out!)),
  }),
  max_pool2d: defineOp({
    stage: "core",
    kernel: "any",
    doc: "the largest of each kernel-sized window of x [B, C, H, W]; the padding never wins",
    operands: { x: "one" },
    attrs: { kernel: ints(), stride: ints(), padding: ints([0, 0]) },
    results: ["out"],
    infer: ({ x }, attrs) => inferMaxPool2d(x, attrs),
    evaluate: ({ x }, attrs) => [evaluateMaxPool2d(x, attrs)],
    flops: (_, { kernel }, [out]) => perElement(out!, kernel[0]! * kernel[1]!),
  }),
  rope: defineOp({
    stage: "core",
    kernel: "any",
    doc:
      "rotary position embedding (Su et al. 2021) of x [B, H, T, K] (or [B, T, H, K] with layout heads_last): pairs of " +
      "the first `dims` channels (0: all) turn by position × frequency; pairs are (i, i + dims/2) or (2i, 2i + 1). " +
      "The scalings are those of transformers' ROPE_INIT_FUNCTIONS, proportional with the pairs of the whole head; ntk is " +
      "the static NTK-aware one",
    operands: { x: "one", positions: "optional" },
    attrs: {
      theta: float(10000),
      dims: int(0),
      pairs: word(["halves", "interleaved"], "halves"),
      scaling: word(ropeScalings, "none"),
      factor: float(1),
      original: int(0),
      low_freq_factor: float(1),
      high_freq_factor: float(4),
      beta_fast: float(32),
      beta_slow: float(1),
      /** Whether YaRN's ramp begins and ends at whole pairs. */
      truncate: bool(true),
      /** What longrope divides the frequency of each pair by: in texts of up to `original` tokens, and in longer ones. */
      short_factor: floats([]),
      long_factor: floats([]),
      /** What sine and cosine are multiplied by. */
      attention_factor: float(1),
      /** Turns the other way: the transpose, and so the gradient, of the same op without it. */
      inverse: bool(false),
      layout: word(["heads_first", "heads_last"], "heads_first"),
    },
    results: ["out"],
    infer: ({ x, positions }, attrs) => inferRope(x, positions, attrs),
    evaluate: ({ x, positions }, attrs) => [evaluateRope(x, positions, attrs)],
    flops: ({ x }) => perElement(x, 3),
  }),
  attend: defineOp({
    stage: "core",
    kernel: "any",
    doc:
      "softmax(scale · q kᵀ + bias) v for q [B, H, T, K], k [B, G, S, K], v [B, G, S, V] → [B, H, T, V]; with G < H " +
      "each key head serves H / G query heads in a row. Query i stands at key i + S - T; causal hides later keys, a " +
      "window w hides keys w or more away, mask hides where false, softcap c is c · tanh(score / c) before the bias, " +
      "alibi adds -slope · distance (Press et al. 2022). A row that sees nothing is zero. heads_last: [B, T, H, K]",
    operands: { q: "one", k: "one", v: "one", bias: "optional", mask: "optional" },
    attrs: {
      causal: bool(false),
      window: optionalInt(),
      /** 0: none. */
      softcap: float(0),
      scale: float(),
      alibi: bool(false),
      layout: word(["heads_first", "heads_last"], "heads_first"),
    },
    results: ["out"],
    infer: (operands, attrs) => inferAttend(operands, attrs),
    evaluate: (operands, attrs) => [evaluateAttend(operands, attrs)],
    flops: ({ q, k, v }, attrs) => {
      const rows = { dtype: q.dtype, shape: q.shape.slice(0, 3) };
      const columns = k.shape[attrs.layout === "heads_first" ? 2 : 1]!;
      const products = addDims(
        productFlops(rows, columns, q.shape[3]!),
        productFlops(rows, columns, v.shape[3]!),
      );
      return addDims(products, multiplyDims(perElement(rows, softmaxFlops), columns));
    },
  }),
  linear_attend: linearAttend,
  routed_linear: routedLinear,
} as const;
