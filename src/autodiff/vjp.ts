import type { NodeOf, Value } from "../ir/graph.ts";
import type { CoreOp, ops } from "../ops/table.ts";
import type { Dim } from "../tensor/dim.ts";
import type { Backward } from "./backward.ts";

/** The gradient of a slice: zero outside of it. Slices of one value become one concat, not a sum of padded copies. */
export interface PartCotangent {
  readonly part: Value;
  readonly axis: number;
  readonly start: Dim;
}

/** What a reader of a value adds to the value's gradient. */
export type Cotangent = Value | PartCotangent;

type OperandSpecOf<K extends CoreOp> = (typeof ops)[K]["operands"];

/** A cotangent for each operand that has one; operands are named as in the op's record. */
export type Cotangents<K extends CoreOp> = {
  readonly [N in keyof OperandSpecOf<K>]?: OperandSpecOf<K>[N] extends "many"
    ? readonly (Cotangent | undefined)[]
    : Cotangent | undefined;
};

/**
 * The vector-Jacobian product of an op: from the gradients of its results (undefined: nothing depends on that result)
 * those of its operands. Only operands that `backward.wants` need one. Emits core and gradient ops.
 */
export type Vjp<K extends CoreOp> = (
  node: NodeOf<K>,
  grads: readonly (Value | undefined)[],
  backward: Backward,
) => Cotangents<K>;

/** An op through which nothing flows back, and why. */
export interface NoGradient {
  readonly none: string;
}

export type VjpRule<K extends CoreOp> = Vjp<K> | NoGradient;
