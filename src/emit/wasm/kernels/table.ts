import type { KernelOp } from "../../../kernels/contracts.ts";
import { onlyView } from "../../../kernels/results.ts";
import type { View } from "../../../kernels/view.ts";
import type { Stage } from "../../../plan/loops.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { isHalf } from "../../../tensor/dtype.ts";
import { sharedLoop } from "../../loops/kernels/shared-loop.ts";
import { loopsOf, type LoopOp } from "../../loops/kernels/table.ts";
import type { Kernel, KernelWriter, WasmKernel } from "../kernel.ts";
import { encodeLoops } from "../loops/encode.ts";
import { attend } from "./attend.ts";
import { conv2d_weight_grad } from "./convolution-weight-grad.ts";
import { conv2d, conv2d_x_grad } from "./convolution.ts";
import { attend_grad } from "./gradient-attend.ts";
import { half_embedding, halved_copy } from "./halves.ts";
import { linear_epilogue } from "./linear.ts";
import { matmul } from "./matmul.ts";
import { packedKernels } from "./packed.ts";
import { max_pool2d, max_pool2d_grad } from "./pool.ts";
import { routed_linear } from "./routed.ts";
import { topk } from "./topk.ts";
import { linear_weight_grad } from "./weight-grad.ts";

/** The kernels that are written by hand, a group a file; all others are loops that every target takes from one place. */
const byHand: { readonly [K in Exclude<KernelOp, LoopOp>]: WasmKernel<K> } = {
  attend,
  attend_grad,
  topk,
  linear_epilogue,
  linear_weight_grad,
  matmul,
  routed_linear,
  conv2d,
  conv2d_x_grad,
  conv2d_weight_grad,
  max_pool2d,
  max_pool2d_grad,
  ...packedKernels,
};

/** Whether floats become halves: nothing else is copied to another type. */
const makesHalves = ({ operands: { x }, results }: StepOf<"copy">): boolean => {
  const { dtype } = onlyView(results).type;
  return isHalf(dtype) && dtype !== x.type.dtype;
};

/** The kernel of a step, or of a loop of several; `memoryOf` says of each view in which memory it begins, and where. */
export function kernelOf(stage: Stage, k: KernelWriter, memoryOf: (view: View) => string): Kernel {
  if ("steps" in stage) return encodeLoops(sharedLoop(stage, memoryOf), k);
  if (stage.op === "copy" && makesHalves(stage)) return halved_copy(stage, k);
  if (stage.op === "embedding" && stage.attrs.entries !== undefined) return half_embedding(stage, k);
  const loops = loopsOf(stage);
  if (loops !== undefined) return encodeLoops(loops, k);
  const kernel = byHand[stage.op as keyof typeof byHand] as (step: typeof stage, k: KernelWriter) => Kernel;
  return kernel(stage, k);
}
