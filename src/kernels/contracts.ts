import type { AttributesOf, GraphKernel, OperandsOf } from "../ops/table.ts";
import type { Form, View } from "./view.ts";

/**
 * What a target must have a kernel for, in a table that is exhaustive over it: the ops of graphs whose records say so, and
 * `copy`, which moves elements between views. All other ops become views, buffers (constant, full), copies (concat) or
 * one of these (a lone `add` is an `elementwise`, a `linear` a `linear_epilogue`).
 */
export type KernelOp = GraphKernel | "copy";

/** The operands of kernel K: those of the op's record, each a view. */
export type KernelOperands<K extends KernelOp> = K extends GraphKernel
  ? OperandsOf<K, View>
  : { readonly x: View };

export type KernelAttributes<K extends KernelOp> = K extends GraphKernel
  ? AttributesOf<K> & PlannedAttributes<K>
  : Readonly<Record<string, never>>;

/** What a plan says of a call beside the attributes of its node. */
type PlannedAttributes<K> = K extends "embedding"
  ? {
      /** The rows of a table that lies in panels, which may have room for more. */
      readonly entries?: number;
    }
  : unknown;

/** A call of a kernel: what it works on, and how. */
export interface KernelCallOf<K extends KernelOp> {
  readonly op: K;
  readonly operands: KernelOperands<K>;
  readonly attrs: KernelAttributes<K>;
  readonly results: readonly View[];
}

/** Any call; `call.op` tells of which kernel, and TypeScript follows. */
export type KernelCall = { readonly [K in KernelOp]: KernelCallOf<K> }[KernelOp];

/** What every target's kernel for an op must bear. */
export interface Contract<K extends KernelOp> {
  readonly forms: Readonly<Record<keyof KernelOperands<K>, Form>>;
  /**
   * Operands whose memory a result may take over, if both are dense and equally large: the kernel reads each of their
   * elements before, or in the same turn as, it writes the element at that place.
   */
  readonly overwrites: readonly (keyof KernelOperands<K>)[];
}

const reduction = { forms: { x: "any" }, overwrites: [] } as const;
const packed = { codes: "dense", scales: "dense", minimums: "dense" } as const;
const alongAxis = { forms: { x: "any" }, overwrites: ["x"] } as const;

/** Results are always written dense, except that `copy` writes into any view. */
export const contracts: { readonly [K in KernelOp]: Contract<K> } = {
  copy: { forms: { x: "any" }, overwrites: [] },
  // x is there already: a plan has a write only where it takes the place of the state that it reads.
  write: { forms: { x: "dense", part: "any" }, overwrites: ["x"] },
  iota: { forms: {}, overwrites: [] },
  relative_bucket: { forms: {}, overwrites: [] },
  cast: { forms: { x: "any" }, overwrites: ["x"] },
  elementwise: { forms: { inputs: "any" }, overwrites: ["inputs"] },
  reduce_sum: reduction,
  reduce_mean: reduction,
  reduce_max: reduction,
  reduce_min: reduction,
  cumsum: alongAxis,
  softmax: alongAxis,
  log_softmax: alongAxis,
  topk: { forms: { x: "unit" }, overwrites: [] },
  spread: { forms: { values: "unit", indices: "unit" }, overwrites: [] },
  matmul: { forms: { a: "unit", b: "unit" }, overwrites: [] },
  linear_epilogue: { forms: { x: "rows", weight: "rows", extras: "rows" }, overwrites: ["extras"] },
  routed_linear: { forms: { x: "rows", weight: "dense", chosen: "dense" }, overwrites: [] },
  dequantize: { forms: packed, overwrites: [] },
  round_blocks: { forms: { x: "dense" }, overwrites: ["x"] },
  packed_embedding: { forms: { ...packed, ids: "dense" }, overwrites: [] },
  packed_linear: { forms: { x: "rows", ...packed, extras: "rows" }, overwrites: ["extras"] },
  packed_routed_linear: { forms: { x: "rows", ...packed, chosen: "dense" }, overwrites: [] },
  embedding: { forms: { table: "rows", ids: "any" }, overwrites: [] },
  conv2d: { forms: { x: "dense", weight: "dense", bias: "dense" }, overwrites: [] },
  max_pool2d: { forms: { x: "dense" }, overwrites: [] },
  rope: { forms: { x: "unit", positions: "any" }, overwrites: ["x"] },
  attend: { forms: { q: "unit", k: "unit", v: "unit", bias: "any", mask: "any" }, overwrites: [] },
  linear_attend: {
    forms: { q: "unit", k: "unit", v: "unit", decay: "any", beta: "any", state: "dense" },
    overwrites: ["state"],
  },
  layer_norm: { forms: { x: "unit", weight: "dense", bias: "dense" }, overwrites: ["x"] },
  rms_norm: { forms: { x: "unit", weight: "dense", bias: "dense" }, overwrites: ["x"] },
  l2_norm: { forms: { x: "unit" }, overwrites: ["x"] },
  batch_norm: {
    forms: { x: "any", mean: "dense", variance: "dense", weight: "dense", bias: "dense" },
    overwrites: ["x"],
  },
  add_norm: {
    forms: {
      source: "unit",
      branches: "unit",
      source_gain: "dense",
      branch_gain: "dense",
      bias: "dense",
      inner_weight: "dense",
      inner_bias: "dense",
      weights: "dense",
      biases: "dense",
    },
    overwrites: ["source", "branches"],
  },
  cross_entropy: { forms: { logits: "unit", targets: "any" }, overwrites: [] },
  mean_squared_error: { forms: { x: "dense", y: "dense" }, overwrites: [] },
  accuracy: { forms: { logits: "unit", targets: "any" }, overwrites: [] },
  dropout: { forms: { x: "dense", key: "dense" }, overwrites: ["x"] },
  batch_statistics: {
    forms: { x: "dense", running_mean: "dense", running_variance: "dense" },
    overwrites: ["running_mean", "running_variance"],
  },
  norm_grad: { forms: { grad: "unit", x: "unit", weight: "dense", carried: "unit" }, overwrites: [] },
  batch_norm_grad: {
    forms: { grad: "dense", x: "dense", mean: "dense", variance: "dense", weight: "dense" },
    overwrites: [],
  },
  batch_statistics_grad: {
    forms: { x: "dense", mean: "dense", grad_mean: "dense", grad_variance: "dense" },
    overwrites: ["x"],
  },
  attend_grad: {
    forms: { grad: "unit", q: "unit", k: "unit", v: "unit", bias: "any", mask: "any" },
    overwrites: [],
  },
  linear_attend_grad: {
    forms: {
      grad: "unit",
      grad_state: "dense",
      q: "unit",
      k: "unit",
      v: "unit",
      decay: "any",
      beta: "any",
      state: "dense",
    },
    overwrites: [],
  },
  embedding_grad: { forms: { grad: "unit", ids: "any" }, overwrites: [] },
  linear_weight_grad: { forms: { grad: "rows", x: "rows" }, overwrites: [] },
  routed_weight_grad: { forms: { grad: "rows", x: "rows", chosen: "dense" }, overwrites: [] },
  cross_entropy_grad: { forms: { grad: "dense", logits: "unit", targets: "any" }, overwrites: [] },
  conv2d_x_grad: { forms: { grad: "dense", weight: "dense" }, overwrites: [] },
  conv2d_weight_grad: { forms: { grad: "dense", x: "dense" }, overwrites: [] },
  max_pool2d_grad: { forms: { grad: "dense", x: "dense" }, overwrites: [] },
  take: { forms: { x: "unit", indices: "unit" }, overwrites: [] },
  extent: { forms: {}, overwrites: [] },
};
