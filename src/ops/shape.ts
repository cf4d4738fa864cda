import { dimAttribute, dims, dtype, int, ints } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { inferBroadcast, inferConcat, inferPermute, inferReshape, inferSlice } from "./infer/shape.ts";
import {
  evaluateBroadcast,
  evaluateCast,
  evaluateConcat,
  evaluatePermute,
  evaluateSlice,
} from "./evaluate/shape.ts";
import { sizeOfDim, sizesOf } from "./evaluate/index-walk.ts";

/** Ops that move elements and compute nothing. */
export const shapeOps = {
  reshape: defineOp({
    stage: "core",
    traits: ["moves", "view"],
    doc: "x with the same elements in row-major order under another shape",
    operands: { x: "one" },
    attrs: { shape: dims() },
    results: ["out"],
    infer: ({ x }, { shape }) => inferReshape(x, shape),
    evaluate: ({ x }, { shape }) => [{ ...x, shape: sizesOf(shape) }],
  }),
  permute: defineOp({
    stage: "core",
    traits: ["moves", "view"],
    doc: "x with its axes in another order: axis i of out is axis axes[i] of x",
    operands: { x: "one" },
    attrs: { axes: ints() },
    results: ["out"],
    infer: ({ x }, { axes }) => inferPermute(x, axes),
    evaluate: ({ x }, { axes }) => [evaluatePermute(x, axes)],
  }),
  broadcast: defineOp({
    stage: "core",
    traits: ["moves", "view"],
    doc: "x stretched to a shape as NumPy broadcasts",
    operands: { x: "one" },
    attrs: { shape: dims() },
    results: ["out"],
    infer: ({ x }, { shape }) => inferBroadcast(x, shape),
    evaluate: ({ x }, { shape }) => [evaluateBroadcast(x, sizesOf(shape))],
  }),
  slice: defineOp({
    stage: "core",
    traits: ["moves", "view"],
    doc: "the part of x from start, size elements long, along one axis",
    operands: { x: "one" },
    attrs: { axis: int(), start: dimAttribute(), size: dimAttribute() },
    results: ["out"],
    infer: ({ x }, attrs) => inferSlice(x, attrs),
    evaluate: ({ x }, { axis, start, size }) => [evaluateSlice(x, axis, sizeOfDim(start), sizeOfDim(size))],
  }),
  concat: defineOp({
    stage: "core",
    traits: ["moves"],
    doc: "values one after the other along one axis",
    operands: { values: "many" },
    attrs: { axis: int() },
    results: ["out"],
    infer: ({ values }, { axis }) => inferConcat(values, axis),
    evaluate: ({ values }, { axis }) => [evaluateConcat(values, axis)],
  }),
  cast: defineOp({
    stage: "core",
    traits: ["moves"],
    kernel: "any",
    doc: "x with its elements rounded to another dtype",
    operands: { x: "one" },
    attrs: { dtype: dtype() },
    results: ["out"],
    infer: ({ x }, attrs) => [{ dtype: attrs.dtype, shape: x.shape }],
    evaluate: ({ x }, attrs) => [evaluateCast(x, attrs.dtype)],
  }),
} as const;
