import type { KernelOp } from "../../../kernels/contracts.ts";
import type { Step } from "../../../plan/plan.ts";
import type { Dim } from "../../../tensor/dim.ts";
import type { Call, Naming } from "../call.ts";
import { add_norm } from "./add-norm.ts";
import { attend, attendScratch } from "./attend.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { attend_grad, attendGradScratch } from "./gradient-attend.ts";
import { gradientNormKernels } from "./gradient-norm.ts";
import { gradientSpatialKernels } from "./gradient-spatial.ts";
import { gradientKernels } from "./gradient.ts";
import type { TsKernel } from "./kernel.ts";
import { linearKernels } from "./linear.ts";
import { lookupKernels } from "./lookup.ts";
import { lossKernels } from "./loss.ts";
import { normKernels } from "./norm.ts";
import { reduceKernels } from "./reduce.ts";
import { rope } from "./rope.ts";
import { spatialKernels } from "./spatial.ts";

/**
 * The kernels of this target, a group a file. A row may be exchanged alone: another target that shares the
 * memory layout (WebAssembly) takes the place of a row, and the plan does not know.
 */
export const tsKernels: { readonly [K in KernelOp]: TsKernel<K> } = {
  add_norm,
  attend,
  ...elementwiseKernels,
  attend_grad,
  ...gradientNormKernels,
  ...gradientSpatialKernels,
  ...gradientKernels,
  ...linearKernels,
  ...lookupKernels,
  ...lossKernels,
  ...normKernels,
  ...reduceKernels,
  rope,
  ...spatialKernels,
};

/** The step as a call of its kernel. */
export function callOf(step: Step, naming: Naming): Call {
  const kernel = tsKernels[step.op] as (step: Step, naming: Naming) => Call;
  return kernel(step, naming);
}

/** Words of scratch memory that the kernel needs while it runs. */
export function scratchOf(step: Step): Dim | undefined {
  if (step.op === "attend") return attendScratch(step);
  return step.op === "attend_grad" ? attendGradScratch(step) : undefined;
}
