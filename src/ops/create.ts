import { bool, dimAttribute, dims, dtype, float, floats, int } from "./attributes.ts";
import { perElement } from "./flops.ts";
import { defineOp } from "./define.ts";
import { inferConstant, inferFull, inferIota, inferRelativeBucket } from "./infer/create.ts";
import { evaluateRelativeBucket } from "./evaluate/create.ts";
import { sizeOfDim, sizesOf } from "./evaluate/index-walk.ts";
import { dim } from "../tensor/dim.ts";
import { hostTensor, makeData, sizeOf } from "../tensor/host.ts";

/** Ops that make a tensor from attributes alone. */
export const createOps = {
  constant: defineOp({
    stage: "core",
    traits: ["known"],
    doc: "a tensor whose elements the graph holds, row-major",
    operands: {},
    attrs: { dtype: dtype(), shape: dims(), values: floats() },
    results: ["out"],
    infer: (_, attrs) => inferConstant(attrs),
    evaluate: (_, { dtype, shape, values }) => [hostTensor(dtype, sizesOf(shape), values)],
  }),
  full: defineOp({
    stage: "core",
    traits: ["known"],
    doc: "a tensor whose elements are all one value",
    operands: {},
    attrs: { dtype: dtype(), shape: dims(), value: float() },
    results: ["out"],
    infer: (_, attrs) => inferFull(attrs),
    evaluate: (_, { dtype, shape, value }) => {
      const sizes = sizesOf(shape);
      return [{ dtype, shape: sizes, data: makeData(dtype, sizeOf(sizes)).fill(value) }];
    },
  }),
  iota: defineOp({
    stage: "core",
    kernel: "any",
    doc: "start, start + 1, … start + size - 1 as i32[size]",
    operands: {},
    attrs: { size: dimAttribute(), start: dimAttribute(dim(0)) },
    results: ["out"],
    infer: (_, attrs) => inferIota(attrs),
    evaluate: (_, attrs) => {
      const [size, start] = [sizeOfDim(attrs.size), sizeOfDim(attrs.start)];
      return [{ dtype: "i32", shape: [size], data: Int32Array.from({ length: size }, (_, i) => start + i) }];
    },
  }),
  relative_bucket: defineOp({
    stage: "core",
    kernel: "any",
    doc:
      "T5's bucket of the distance from query row_start + i to key column_start + j as i32[rows, columns] (Raffel et al. " +
      "2020; transformers' T5Attention._relative_position_bucket): near distances have one each, farther ones share " +
      "logarithmically up to far",
    operands: {},
    attrs: {
      rows: dimAttribute(),
      columns: dimAttribute(),
      buckets: int(),
      far: int(),
      causal: bool(),
      row_start: dimAttribute(dim(0)),
      column_start: dimAttribute(dim(0)),
    },
    results: ["out"],
    infer: (_, attrs) => inferRelativeBucket(attrs),
    evaluate: (_, attrs) => [
      evaluateRelativeBucket(
        sizeOfDim(attrs.rows),
        sizeOfDim(attrs.columns),
        sizeOfDim(attrs.column_start) - sizeOfDim(attrs.row_start),
        attrs,
      ),
    ],
    flops: (_, __, [out]) => perElement(out!, 4),
  }),
} as const;
