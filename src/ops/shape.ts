import { dimAttribute, dims, dtype, int, ints } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { inferBroadcast, inferConcat, inferPermute, inferReshape, inferSlice } from "./infer/shape.ts";
import { pendingEvaluate } from "./pending.ts";

/** Ops that move elements and compute nothing. */
export const shapeOps = {
  reshape: defineOp({
    stage: "core",
    doc: "x with the same elements in row-major order under another shape",
    operands: { x: "one" },
    attrs: { shape: dims() },
    results: ["out"],
    infer: ({ x }, { shape }) => inferReshape(x, shape),
    evaluate: pendingEvaluate,
  }),
  permute: defineOp({
    stage: "core",
    doc: "x with its axes in another order: axis i of out is axis axes[i] of x",
    operands: { x: "one" },
    attrs: { axes: ints() },
    results: ["out"],
    infer: ({ x }, { axes }) => inferPermute(x, axes),
    evaluate: pendingEvaluate,
  }),
  broadcast: defineOp({
    stage: "core",
    doc: "x stretched to a shape as NumPy broadcasts",
    operands: { x: "one" },
    attrs: { shape: dims() },
    results: ["out"],
    infer: ({ x }, { shape }) => inferBroadcast(x, shape),
    evaluate: pendingEvaluate,
  }),
  slice: defineOp({
    stage: "core",
    doc: "the part of x from start, size elements long, along one axis",
    operands: { x: "one" },
    attrs: { axis: int(), start: dimAttribute(), size: dimAttribute() },
    results: ["out"],
    infer: ({ x }, attrs) => inferSlice(x, attrs),
    evaluate: pendingEvaluate,
  }),
  concat: defineOp({
    stage: "core",
    doc: "values one after the other along one axis",
    operands: { values: "many" },
    attrs: { axis: int() },
    results: ["out"],
    infer: ({ values }, { axis }) => inferConcat(values, axis),
    evaluate: pendingEvaluate,
  }),
  cast: defineOp({
    stage: "core",
    doc: "x with its elements rounded to another dtype",
    operands: { x: "one" },
    attrs: { dtype: dtype() },
    results: ["out"],
    infer: ({ x }, attrs) => [{ dtype: attrs.dtype, shape: x.shape }],
    evaluate: pendingEvaluate,
  }),
} as const;
