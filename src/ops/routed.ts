import { dimAttribute, word } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { sizeOfDim } from "./evaluate/index-walk.ts";
import { evaluateRoutedLinear, evaluateRoutedWeightGrad } from "./evaluate/routed.ts";
import { productFlops } from "./flops.ts";
import { inferRoutedLinear, inferRoutedWeightGrad } from "./infer/routed.ts";

const layout = () => word(["out_in", "in_out"], "out_in");

/** A product with one of several matrices, of which those that are chosen alone are read. */
export const routedLinear = defineOp({
  stage: "core",
  kernel: "any",
  doc:
    "x Wᵀ with the matrix that each row chose: x [.., C, K], or [.., 1, K] which all choices of a place read, weight [E, N, K] " +
    "and chosen i32[.., C] → [.., C, N]; with layout in_out the weight is [E, K, N]. Matrices that nothing chose are not read " +
    "(Shazeer et al. 2017, sparsely gated experts)",
  operands: { x: "one", weight: "one", chosen: "one" },
  attrs: { layout: layout() },
  results: ["out"],
  infer: ({ x, weight, chosen }, attrs) => inferRoutedLinear(x, weight, chosen, attrs.layout),
  evaluate: ({ x, weight, chosen }, attrs) => [evaluateRoutedLinear(x, weight, chosen, attrs.layout)],
  flops: ({ x }, _, [out]) => productFlops(out!, x.shape.at(-1)!),
});

export const routedWeightGrad = defineOp({
  stage: "gradient",
  kernel: "training",
  doc:
    "the gradient of routed_linear with respect to its weight [E, N, K]: gradᵀ x over the rows that chose a matrix, 0 for one " +
    "that none chose; with layout in_out xᵀ grad, [E, K, N]",
  operands: { grad: "one", x: "one", chosen: "one" },
  attrs: { layout: layout(), experts: dimAttribute() },
  results: ["grad_weight"],
  infer: ({ grad, x, chosen }, attrs) => inferRoutedWeightGrad(grad, x, chosen, attrs),
  evaluate: ({ grad, x, chosen }, attrs) => [
    evaluateRoutedWeightGrad(grad, x, chosen, attrs.layout, sizeOfDim(attrs.experts)),
  ],
  flops: ({ grad, x }) => productFlops(grad, x.shape.at(-1)!),
});
