import type { Value } from "../../ir/graph.ts";
import type { Backward } from "../backward.ts";

/** Σ g² over all elements of a gradient. */
export const squareSum = (b: Backward, gradient: Value): Value =>
  b.emit("reduce_sum", { x: b.square(gradient) }, { axes: [...gradient.type.shape.keys()] });

/** √Σ g² over all gradients, whose own sums are added in their order; undefined if there are none. */
export function globalNorm(b: Backward, squareSums: readonly Value[]): Value | undefined {
  const [first, ...rest] = squareSums;
  return first && b.unary("sqrt", rest.reduce(b.add, first));
}

/** What keeps the factor finite for a norm of zero, as torch.nn.utils.clip_grad_norm_. */
const LEAST_NORM = 1e-6;

/** min(1, clip / (norm + 1e-6)). */
export const clipFactor = (b: Backward, norm: Value | undefined, clip: number): Value | undefined =>
  norm && b.binary("min", b.div(clip, b.add(norm, LEAST_NORM)), 1);
