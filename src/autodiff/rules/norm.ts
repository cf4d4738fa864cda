import type { NodeOf, Value } from "../../ir/graph.ts";
import type { normOps } from "../../ops/norm.ts";
import type { CoreOp } from "../../ops/table.ts";
import type { trainingOps } from "../../ops/training.ts";
import type { Backward } from "../backward.ts";
import type { VjpRule } from "../vjp.ts";

/** One kernel for x, weight and bias of a norm over the last axis. */
function rowNorm(
  { operands: { x, weight, bias }, attrs }: NodeOf<"layer_norm" | "rms_norm">,
  norm: "layer" | "rms",
  unitOffset: boolean,
  grad: Value,
  b: Backward,
) {
  const options = { norm, eps: attrs.eps, unit_offset: unitOffset, bias: b.wants(bias) };
  const [ofX, ...vectors] = b.emitAll("norm_grad", { grad, x, weight, carried: undefined }, options);
  return {
    x: ofX,
    weight: weight === undefined ? undefined : vectors[0],
    bias: b.wants(bias) ? vectors.at(-1) : undefined,
  };
}

export const normRules: { readonly [K in keyof typeof normOps & CoreOp]: VjpRule<K> } = {
  layer_norm: (node, [g], b) => rowNorm(node, "layer", false, g!, b),
  rms_norm: (node, [g], b) => rowNorm(node, "rms", node.attrs.unit_offset, g!, b),
  l2_norm: ({ operands: { x }, attrs: { eps } }, [g], b) => ({
    x: b.emit("norm_grad", { grad: g!, x, weight: undefined, carried: undefined }, { norm: "l2", eps }),
  }),
  batch_norm: ({ operands: { x, mean, variance, weight }, attrs }, [g], b) => {
    const [ofX, ofMean, ofVariance, ofWeight, ofBias] = b.emitAll(
      "batch_norm_grad",
      { grad: g!, x, mean, variance, weight },
      attrs,
    );
    return { x: ofX, mean: ofMean, variance: ofVariance, weight: ofWeight, bias: ofBias };
  },
};

export const trainingRules: { readonly [K in keyof typeof trainingOps]: VjpRule<K> } = {
  /** What is dropped forward is dropped backward: the same op with the same key. */
  dropout: ({ operands: { key }, attrs }, [g], b) => ({ x: b.emit("dropout", { x: g!, key }, attrs) }),
  /** The running statistics are moved after the step; nothing flows back through them. */
  batch_statistics: ({ operands: { x }, attrs: { axis }, results: [mean] }, [ofMean, ofVariance], b) => {
    const zeros = (): Value => b.full(mean!.type.dtype, mean!.type.shape, 0);
    if (ofMean === undefined && ofVariance === undefined) return {};
    const grads = { grad_mean: ofMean ?? zeros(), grad_variance: ofVariance ?? zeros() };
    return { x: b.emit("batch_statistics_grad", { x, mean: mean!, ...grads }, { axis }) };
  },
};
