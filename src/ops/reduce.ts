import { bool, int, ints } from "./attributes.ts";
import { defineOp } from "./define.ts";
import {
  inferCumsum,
  inferReduction,
  inferSoftmax,
  inferSpread,
  inferTake,
  inferTopk,
} from "./infer/reduce.ts";
import type { HostTensor } from "../tensor/host.ts";
import { elementsOf } from "../tensor/type.ts";
import {
  evaluateCumsum,
  evaluateExtreme,
  evaluateLogSoftmax,
  evaluateMean,
  evaluateReduction,
  evaluateSoftmax,
  evaluateSpread,
  evaluateTake,
  evaluateTopk,
} from "./evaluate/reduce.ts";
import { perElement, softmaxFlops } from "./flops.ts";

type Reduce = (
  x: HostTensor,
  attrs: { readonly axes: readonly number[]; readonly keep: boolean },
) => HostTensor;

const reduction = (doc: string, elements: "numbers" | "floats", evaluate: Reduce) =>
  defineOp({
    stage: "core",
    kernel: "any",
    doc,
    operands: { x: "one" },
    attrs: { axes: ints(), keep: bool(false) },
    results: ["out"],
    infer: ({ x }, attrs) => inferReduction(x, attrs, elements),
    evaluate: ({ x }, attrs) => [evaluate(x, attrs)],
    flops: ({ x }) => elementsOf(x),
  });

/** Ops that fold axes; axes are not negative, `keep` leaves them with size 1. */
export const reduceOps = {
  reduce_sum: reduction("the sum of x over axes", "numbers", (x, attrs) =>
    evaluateReduction(x, attrs, 0, (a, b) => a + b),
  ),
  reduce_mean: reduction("the mean of x over axes", "floats", evaluateMean),
  reduce_max: reduction("the largest element of x over axes", "numbers", (x, attrs) =>
    evaluateExtreme(x, attrs, 1),
  ),
  reduce_min: reduction("the smallest element of x over axes", "numbers", (x, attrs) =>
    evaluateExtreme(x, attrs, -1),
  ),
  cumsum: defineOp({
    stage: "core",
    kernel: "any",
    doc: "running sums of x along one axis, each with its own element",
    operands: { x: "one" },
    attrs: { axis: int() },
    results: ["out"],
    infer: ({ x }, { axis }) => inferCumsum(x, axis),
    evaluate: ({ x }, { axis }) => [evaluateCumsum(x, axis)],
    flops: ({ x }) => elementsOf(x),
  }),
  topk: defineOp({
    stage: "core",
    kernel: "any",
    doc: "the k largest elements along the last axis, largest first, and where they stood; of equal ones the first",
    operands: { x: "one" },
    attrs: { k: int() },
    results: ["values", "indices"],
    infer: ({ x }, { k }) => inferTopk(x, k),
    evaluate: ({ x }, { k }) => evaluateTopk(x, k),
  }),
  spread: defineOp({
    stage: "core",
    kernel: "any",
    doc: "zeros [.., size] with values[.., i] put at indices[.., i]: what topk took, back in its place",
    operands: { values: "one", indices: "one" },
    attrs: { size: int() },
    results: ["out"],
    infer: ({ values, indices }, { size }) => inferSpread(values, indices, size),
    evaluate: ({ values, indices }, { size }) => [evaluateSpread(values, indices, size)],
  }),
  take: defineOp({
    stage: "core",
    kernel: "any",
    doc: "out[.., i] = x[.., indices[.., i]], the indices of a row all different: what spread put in its place, taken back",
    operands: { x: "one", indices: "one" },
    attrs: {},
    results: ["out"],
    infer: ({ x, indices }) => inferTake(x, indices),
    evaluate: ({ x, indices }) => [evaluateTake(x, indices)],
  }),
  softmax: defineOp({
    stage: "core",
    kernel: "any",
    doc: "e^x / Σ e^x along one axis, shifted by the largest so that nothing overflows",
    operands: { x: "one" },
    attrs: { axis: int(-1) },
    results: ["out"],
    infer: ({ x }, { axis }) => inferSoftmax(x, axis),
    evaluate: ({ x }, { axis }) => [evaluateSoftmax(x, axis)],
    flops: ({ x }) => perElement(x, softmaxFlops),
  }),
  log_softmax: defineOp({
    stage: "core",
    kernel: "any",
    doc: "x - log Σ e^x along one axis",
    operands: { x: "one" },
    attrs: { axis: int(-1) },
    results: ["out"],
    infer: ({ x }, { axis }) => inferSoftmax(x, axis),
    evaluate: ({ x }, { axis }) => [evaluateLogSoftmax(x, axis)],
    flops: ({ x }) => perElement(x, softmaxFlops),
  }),
} as const;
