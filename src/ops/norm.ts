import { bool, float, int, word, words } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { inferAddNorm, inferRowNorm } from "./infer/norm.ts";
import { inferBatchNorm } from "./infer/spatial.ts";
import { evaluateAddNorm, evaluateBatchNorm, evaluateRowNorm } from "./evaluate/norm.ts";
import { normFlops, perElement } from "./flops.ts";

/** Norms over the last axis, but for batch_norm. Statistics are of the whole row and stable: mean first, then variance. */
export const normOps = {
  layer_norm: defineOp({
    stage: "core",
    traits: ["norm", "row_norm"],
    kernel: "any",
    doc: "(x - mean) / √(var + eps) · weight + bias over the last axis, var biased (Ba et al. 2016)",
    operands: { x: "one", weight: "optional", bias: "optional" },
    attrs: { eps: float() },
    results: ["out"],
    infer: ({ x, ...vectors }, { eps }) => inferRowNorm(x, vectors, eps),
    evaluate: ({ x, weight, bias }, { eps }) => [evaluateRowNorm(x, { kind: "layer", eps, weight, bias })],
    flops: ({ x }) => perElement(x, normFlops.layer),
  }),
  rms_norm: defineOp({
    stage: "core",
    traits: ["norm", "row_norm"],
    kernel: "any",
    doc:
      "x / √(mean(x²) + eps) · weight over the last axis (Zhang and Sennrich 2019); unit_offset multiplies by 1 + weight; " +
      "cast says whether a half-precision result is rounded before or after the weight",
    operands: { x: "one", weight: "optional", bias: "optional" },
    attrs: { eps: float(), unit_offset: bool(false), cast: word(["before", "after"], "before") },
    results: ["out"],
    infer: ({ x, ...vectors }, { eps }) => inferRowNorm(x, vectors, eps),
    evaluate: ({ x, weight, bias }, { eps, unit_offset: unitOffset, cast }) => [
      evaluateRowNorm(x, { kind: "rms", eps, unitOffset, cast, weight, bias }),
    ],
    flops: ({ x }) => perElement(x, normFlops.rms),
  }),
  l2_norm: defineOp({
    stage: "core",
    traits: ["norm", "row_norm"],
    kernel: "any",
    doc: "x / max(√Σx², eps) over the last axis, as torch.nn.functional.normalize",
    operands: { x: "one" },
    attrs: { eps: float(1e-12) },
    results: ["out"],
    infer: ({ x }, { eps }) => inferRowNorm(x, {}, eps),
    evaluate: ({ x }, { eps }) => [evaluateRowNorm(x, { kind: "l2", eps })],
    flops: ({ x }) => perElement(x, normFlops.l2),
  }),
  batch_norm: defineOp({
    stage: "core",
    traits: ["norm"],
    kernel: "any",
    doc: "(x - mean) / √(variance + eps) · weight + bias with statistics given for each channel of one axis",
    operands: { x: "one", mean: "one", variance: "one", weight: "optional", bias: "optional" },
    attrs: { eps: float(), axis: int(1) },
    results: ["out"],
    infer: ({ x, ...vectors }, { axis }) => inferBatchNorm(x, vectors, axis),
    evaluate: (operands, attrs) => [evaluateBatchNorm(operands, attrs)],
    flops: ({ x }) => perElement(x, 4),
  }),
  add_norm: defineOp({
    stage: "kernel",
    kernel: "any",
    doc:
      "a residual edge's join and the norms that read it, in one pass over the row: " +
      "sum = source_scale · source_gain · source + branch_scale · branch_gain · inner(Σ branches + bias), " +
      "out_i = norm(sum) · weight_i + bias_i. `inner` is the edge's out-norm. With order in_turn the branches are added " +
      "to the source one after the other. A branch may lack leading axes of the source. " +
      "With norm none there is no norm of the sum, and affines are empty. " +
      "Returns out_0, out_1, … and last, with keep_sum only, the sum",
    operands: {
      source: "one",
      branches: "many",
      source_gain: "optional",
      branch_gain: "optional",
      bias: "optional",
      inner_weight: "optional",
      inner_bias: "optional",
      weights: "many",
      biases: "many",
    },
    attrs: {
      source_scale: float(1),
      branch_scale: float(1),
      order: word(["branches_first", "in_turn"], "branches_first"),
      inner: word(["none", "layer", "rms", "l2"], "none"),
      inner_eps: float(0),
      inner_unit_offset: bool(false),
      norm: word(["none", "layer", "rms", "l2"]),
      eps: float(0),
      unit_offset: bool(false),
      cast: word(["before", "after"], "before"),
      /** One word a norm: which of weight and bias it has; they are taken from weights and biases in order. */
      affines: words(["none", "weight", "bias", "weight_bias"]),
      keep_sum: bool(true),
    },
    results: ["outs*"],
    infer: (operands, attrs) => inferAddNorm(operands, attrs),
    evaluate: (operands, attrs) => evaluateAddNorm(operands, attrs),
    flops: ({ source, branches, bias }, { affines, norm, inner }) => {
      const sums = 2 + branches.length + (bias === undefined ? 0 : 1);
      return perElement(source, sums + normFlops[inner] + affines.length * normFlops[norm]);
    },
  }),
} as const;
