import type { KernelOp } from "../../../kernels/contracts.ts";
import type { Step } from "../../../plan/plan.ts";
import { loopsOf, type LoopOp } from "../../loops/kernels/table.ts";
import type { Call } from "../call.ts";
import type { Placing } from "../placing.ts";
import { printKernel } from "../print.ts";
import { attend } from "./attend.ts";
import { attend_grad } from "./gradient-attend.ts";
import { gradientSpatialKernels } from "./gradient-spatial.ts";
import type { TsKernel } from "./kernel.ts";
import { linearKernels } from "./linear.ts";
import { quantizedKernels } from "./quantized.ts";
import { routed_linear } from "./routed.ts";
import { spatialKernels } from "./spatial.ts";
import { topk } from "./topk.ts";

/** The kernels that are written by hand, a group a file; all others are loops that every target takes from one place. */
const byHand: { readonly [K in Exclude<KernelOp, LoopOp>]: TsKernel<K> } = {
  attend,
  attend_grad,
  ...gradientSpatialKernels,
  ...linearKernels,
  ...quantizedKernels,
  routed_linear,
  ...spatialKernels,
  topk,
};

/** The step as a call of its kernel. */
export function callOf(step: Step, placing: Placing): Call {
  const loops = loopsOf(step);
  if (loops !== undefined) return printKernel(loops, placing);
  const kernel = byHand[step.op as keyof typeof byHand] as (step: Step, placing: Placing) => Call;
  return kernel(step, placing);
}
