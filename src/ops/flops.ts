import { dim, multiplyDims, productOfDims, type Dim } from "../tensor/dim.ts";
import { elementsOf, type TensorType } from "../tensor/type.ts";
import { scalarFunctions, type ScalarName, type ScalarExpression } from "./scalar.ts";

/** Operations an element of the row norms: sums, squares, the scaling and the affine part. */
export const normFlops = { none: 0, layer: 8, rms: 5, l2: 4 } as const;

/** Largest, difference, e^x (4), sum, quotient. */
export const softmaxFlops = 8;

/** `count` operations for each element of a type. */
export const perElement = (type: TensorType, count: number): Dim =>
  multiplyDims(elementsOf(type), dim(count));

/** A multiply-add for each element of the result and each step of the inner size. */
export const productFlops = (out: TensorType, ...inner: readonly Dim[]): Dim =>
  multiplyDims(perElement(out, 2), productOfDims(inner));

export const scalarFlops = (op: ScalarName): number => scalarFunctions[op].flops;

export const expressionFlops = (program: ScalarExpression): number =>
  program.steps.reduce((sum, step) => sum + scalarFlops(step.op), 0);
