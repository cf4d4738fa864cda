import { attentionAxes } from "../../kernels/attention.ts";
import type { KernelCall, KernelCallOf } from "../../kernels/contracts.ts";
import { keptElements } from "../../kernels/recurrent.ts";
import { bytesOf } from "../../kernels/storage.ts";
import { portableTarget, type Target } from "../../kernels/target.ts";
import { addDims, dim, multiplyDims, productOfDims, type Dim } from "../../tensor/dim.ts";
import { BLOCK } from "./helpers/tiles.ts";

/** Query rows whose scores are held at once: enough for whole tiles, few enough that causal blocks skip much. */
export const BLOCK_ROWS = 16;

/** Choices by what they chose, and a block of the rows of one matrix side by side, which a product of chosen matrices has. */
function routedScratch({ operands: { x, weight, chosen } }: KernelCallOf<"routed_linear">): Dim {
  const numbers = [
    weight.type.shape[0]!,
    dim(1),
    productOfDims(chosen.type.shape),
    multiplyDims(dim(BLOCK), x.type.shape.at(-1)!),
  ];
  return bytesOf("f32", numbers.reduce(addDims));
}

/**
 * Attention holds a block of scores; its gradient the weights, their gradients, and with a cap the products below it. That
 * of a linear attention holds states.
 */
function scratchOf(call: KernelCall): Dim | undefined {
  if (call.op === "routed_linear") return routedScratch(call);
  if (call.op === "linear_attend_grad") return bytesOf("f32", keptElements(call.operands.k, call.operands.v));
  const { op, operands, attrs } = call;
  if (op !== "attend" && op !== "attend_grad") return undefined;
  const blocks = op === "attend" ? 1 : attrs.softcap > 0 ? 3 : 2;
  const keys = attentionAxes(operands.k, attrs.layout).row.size;
  return bytesOf("f32", multiplyDims(keys, dim(BLOCK_ROWS * blocks)));
}

/** One thread whose loops take what all targets can. */
export const tsTarget: Target = { ...portableTarget, name: "ts", scratchOf };
