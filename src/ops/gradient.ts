import { bool, dimAttribute, float, int, ints, optionalInt, word } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { evaluateAttendGrad } from "./evaluate/gradient-attend.ts";
import {
  evaluateBatchNormGrad,
  evaluateBatchStatisticsGrad,
  evaluateNormGrad,
} from "./evaluate/gradient-norm.ts";
import {
  evaluateConv2dWeightGrad,
  evaluateConv2dXGrad,
  evaluateMaxPool2dGrad,
} from "./evaluate/gradient-spatial.ts";
import {
  evaluateCrossEntropyGrad,
  evaluateEmbeddingGrad,
  evaluateLinearWeightGrad,
} from "./evaluate/gradient.ts";
import { scalarTensor } from "./evaluate/norm.ts";
import { sizeOfDim } from "./evaluate/index-walk.ts";
import { normFlops, perElement, productFlops, softmaxFlops } from "./flops.ts";
import {
  inferAttendGrad,
  inferBatchNormGrad,
  inferBatchStatisticsGrad,
  inferConv2dWeightGrad,
  inferConv2dXGrad,
  inferCrossEntropyGrad,
  inferEmbeddingGrad,
  inferExtent,
  inferLinearWeightGrad,
  inferMaxPool2dGrad,
  inferNormGrad,
} from "./infer/gradient.ts";
import { linearAttendGrad } from "./recurrent.ts";
import { routedWeightGrad } from "./routed.ts";
import { addDims, multiplyDims } from "../tensor/dim.ts";

const layouts = ["heads_first", "heads_last"] as const;
const window = { stride: ints([1, 1]), padding: ints([0, 0]), groups: int(1) };

/**
 * Ops that differentiation makes where a kernel of its own is better than a chain of core ops. `grad` is the gradient of
 * the loss with respect to the result of the op that the name begins with.
 */
export const gradientOps = {
  norm_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc:
      "the gradient of a norm over the last axis: with x̂ = (x - centre) · s the normed row and h = grad · weight, " +
      "layer: s (h - mean(h) - x̂ mean(h x̂)), rms: s (h - x̂ mean(h x̂)), l2: s (h - x̂ Σ h x̂), plus `carried`, what " +
      "reaches x on other ways (the residual stream). Then Σ grad · x̂ over the rows if there is a weight, and Σ grad " +
      "with bias",
    operands: { grad: "one", x: "one", weight: "optional", carried: "optional" },
    attrs: { norm: word(["layer", "rms", "l2"]), eps: float(), unit_offset: bool(false), bias: bool(false) },
    results: ["grads*"],
    infer: (operands, attrs) => inferNormGrad(operands, attrs),
    evaluate: (operands, attrs) => evaluateNormGrad(operands, attrs),
    flops: ({ x, weight }, { norm, bias }) =>
      perElement(x, 2 * normFlops[norm] + (weight === undefined ? 0 : 3) + (bias ? 1 : 0)),
  }),
  batch_norm_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc:
      "the gradients of batch_norm: grad_x = grad · weight / √(variance + eps), and for each channel those of mean, " +
      "variance, weight and bias",
    operands: { grad: "one", x: "one", mean: "one", variance: "one", weight: "optional" },
    attrs: { eps: float(), axis: int(1) },
    results: ["grad_x", "grad_mean", "grad_variance", "grad_weight", "grad_bias"],
    infer: (operands, attrs) => inferBatchNormGrad(operands, attrs),
    evaluate: (operands, attrs) => evaluateBatchNormGrad(operands, attrs),
    flops: ({ x }) => perElement(x, 8),
  }),
  batch_statistics_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "the gradient of batch_statistics: (grad_mean + 2 · grad_variance · (x - mean)) / n, n elements a channel",
    operands: { x: "one", mean: "one", grad_mean: "one", grad_variance: "one" },
    attrs: { axis: int(1) },
    results: ["grad_x"],
    infer: (operands, attrs) => inferBatchStatisticsGrad(operands, attrs),
    evaluate: (operands, attrs) => [evaluateBatchStatisticsGrad(operands, attrs)],
    flops: ({ x }) => perElement(x, 4),
  }),
  attend_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc:
      "the gradients of attend with respect to q, k, v and, if there is one, bias; the probabilities P are computed " +
      "again: grad_v = Pᵀ grad, dS = P (grad vᵀ - rowsum(P · grad vᵀ)), grad_q = scale dS k, grad_k = scale dSᵀ q. " +
      "With observe then of each query row, [B, H, T], the largest score and the entropy of P in nats; of a row that " +
      "sees nothing the least float and 0, both NaN where P is",
    operands: { grad: "one", q: "one", k: "one", v: "one", bias: "optional", mask: "optional" },
    attrs: {
      causal: bool(false),
      window: optionalInt(),
      softcap: float(0),
      scale: float(),
      alibi: bool(false),
      layout: word(layouts, "heads_first"),
      observe: bool(false),
    },
    results: ["grads*"],
    infer: (operands, attrs) => inferAttendGrad(operands, attrs),
    evaluate: (operands, attrs) => evaluateAttendGrad(operands, attrs),
    flops: ({ q, k, v }, attrs) => {
      const rows = { dtype: q.dtype, shape: q.shape.slice(0, 3) };
      const columns = k.shape[attrs.layout === "heads_first" ? 2 : 1]!;
      const [byKey, byValue] = [q.shape[3]!, v.shape[3]!].map((width) => productFlops(rows, columns, width));
      const products = addDims(addDims(byKey!, addDims(byKey!, byKey!)), addDims(byValue!, byValue!));
      return addDims(products, multiplyDims(perElement(rows, softmaxFlops + 4), columns));
    },
  }),
  linear_attend_grad: linearAttendGrad,
  embedding_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "rows of grad [.., D] added into zeros [rows, D] at their ids, in the order of the ids",
    operands: { grad: "one", ids: "one" },
    attrs: { rows: dimAttribute() },
    results: ["grad_table"],
    infer: ({ grad, ids }, { rows }) => inferEmbeddingGrad(grad, ids, rows),
    evaluate: ({ grad, ids }, { rows }) => [evaluateEmbeddingGrad(grad, ids, sizeOfDim(rows))],
    flops: ({ grad }) => perElement(grad, 1),
  }),
  linear_weight_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "gradᵀ x over all rows: [.., N] and [.., K] → [N, K]; with layout in_out xᵀ grad, [K, N]",
    operands: { grad: "one", x: "one" },
    attrs: { layout: word(["out_in", "in_out"], "out_in") },
    results: ["grad_weight"],
    infer: ({ grad, x }, { layout }) => inferLinearWeightGrad(grad, x, layout),
    evaluate: ({ grad, x }, { layout }) => [evaluateLinearWeightGrad(grad, x, layout)],
    flops: ({ grad, x }) => productFlops(grad, x.shape.at(-1)!),
  }),
  routed_weight_grad: routedWeightGrad,
  cross_entropy_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "the gradient of cross_entropy: grad · (softmax(logits) - (1 - s) · onehot(target) - s / V) / rows that count",
    operands: { grad: "one", logits: "one", targets: "one" },
    attrs: { smoothing: float(0), ignore: optionalInt() },
    results: ["grad_logits"],
    infer: ({ grad, logits, targets }) => inferCrossEntropyGrad(grad, logits, targets),
    evaluate: ({ grad, logits, targets }, attrs) => [evaluateCrossEntropyGrad(grad, logits, targets, attrs)],
    flops: ({ logits }) => perElement(logits, softmaxFlops + 2),
  }),
  conv2d_x_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "the gradient of conv2d with respect to x [B, C, height, width]: each element of grad times the weight, where it was read",
    operands: { grad: "one", weight: "one" },
    attrs: { ...window, height: dimAttribute(), width: dimAttribute() },
    results: ["grad_x"],
    infer: ({ grad, weight }, attrs) => inferConv2dXGrad(grad, weight, attrs),
    evaluate: ({ grad, weight }, attrs) => [evaluateConv2dXGrad(grad, weight, attrs)],
    flops: ({ grad, weight }) => productFlops(grad, ...weight.shape.slice(1)),
  }),
  conv2d_weight_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "the gradient of conv2d with respect to its weight [O, C / groups, R, S]: each element of grad times the window of x that it was made of",
    operands: { grad: "one", x: "one" },
    attrs: { ...window, kernel: ints() },
    results: ["grad_weight"],
    infer: ({ grad, x }, attrs) => inferConv2dWeightGrad(grad, x, attrs),
    evaluate: ({ grad, x }, attrs) => [evaluateConv2dWeightGrad(grad, x, attrs)],
    flops: ({ grad }, _, [weight]) => productFlops(grad, ...weight!.shape.slice(1)),
  }),
  max_pool2d_grad: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "the gradient of max_pool2d: each element of grad goes to the largest of its window, of equal ones to the first",
    operands: { grad: "one", x: "one" },
    attrs: { kernel: ints(), stride: ints(), padding: ints([0, 0]) },
    results: ["grad_x"],
    infer: ({ grad, x }, attrs) => inferMaxPool2dGrad(grad, x, attrs),
    evaluate: ({ grad, x }, attrs) => [evaluateMaxPool2dGrad(grad, x, attrs)],
    flops: ({ grad }, { kernel }) => perElement(grad, kernel[0]! * kernel[1]!),
  }),
  recompute: defineOp({
    stage: "gradient",
    traits: ["view"],
    doc:
      "x as it is: what is made of it is made again once `after` is there, instead of being kept from the forward pass " +
      "until then (Chen et al. 2016). No pass may take it for x",
    operands: { x: "one", after: "one" },
    attrs: {},
    results: ["out"],
    infer: ({ x }) => [x],
    evaluate: ({ x }) => [x],
  }),
  extent: defineOp({
    stage: "gradient",
    kernel: "training",
    doc: "a size as a number, f32[]: what a mean over run-time axes divides by",
    operands: {},
    attrs: { size: dimAttribute() },
    results: ["out"],
    infer: (_, { size }) => inferExtent(size),
    evaluate: (_, { size }) => [scalarTensor("f32", sizeOfDim(size))],
  }),
} as const;
