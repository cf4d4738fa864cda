import { attentionAxes } from "../../kernels/attention.ts";
import type { KernelCall } from "../../kernels/contracts.ts";
import { bytesOf } from "../../kernels/storage.ts";
import { portableTarget, type Target } from "../../kernels/target.ts";
import { dim, multiplyDims, type Dim } from "../../tensor/dim.ts";

/** Query rows whose scores are held at once: enough for whole tiles, few enough that causal blocks skip much. */
export const BLOCK_ROWS = 16;

/** Attention holds a block of scores; its gradient the weights, their gradients, and with a cap the products below it. */
function scratchOf({ op, operands, attrs }: KernelCall): Dim | undefined {
  if (op !== "attend" && op !== "attend_grad") return undefined;
  const blocks = op === "attend" ? 1 : attrs.softcap > 0 ? 3 : 2;
  const keys = attentionAxes(operands.k, attrs.layout).row.size;
  return bytesOf("f32", multiplyDims(keys, dim(BLOCK_ROWS * blocks)));
}

/** One thread whose loops take what all targets can. */
export const tsTarget: Target = { ...portableTarget, name: "ts", scratchOf };
