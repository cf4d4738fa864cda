import type { KernelOp } from "../../../kernels/contracts.ts";
import type { Step } from "../../../plan/plan.ts";
import { asCopy } from "../../../plan/write.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { add_norm } from "./add-norm.ts";
import { attend } from "./attend.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { linearKernels } from "./linear.ts";
import { linear_attend_grad } from "./gradient-linear-attend.ts";
import { linear_attend } from "./linear-attend.ts";
import { attend_grad } from "./gradient-attend.ts";
import { gradientBatchNormKernels } from "./gradient-batch-norm.ts";
import { norm_grad } from "./gradient-norm.ts";
import { gradientSpatialKernels } from "./gradient-spatial.ts";
import { gradientKernels } from "./gradient.ts";
import { linear_weight_grad } from "./gradient-weight.ts";
import { lookupKernels } from "./lookup.ts";
import { lossKernels } from "./loss.ts";
import { normKernels } from "./norm.ts";
import { packedKernels } from "./packed.ts";
import { reduceKernels } from "./reduce.ts";
import { rope } from "./rope.ts";
import { routedKernels } from "./routed.ts";
import { softmaxKernels } from "./softmax.ts";
import { spatialKernels } from "./spatial.ts";
import { topk } from "./topk.ts";

/** The kernels of this target, a group a file. */
export const wgslKernels: { readonly [K in KernelOp]: WgslKernel<K> } = {
  add_norm,
  attend,
  ...elementwiseKernels,
  ...linearKernels,
  attend_grad,
  linear_attend,
  linear_attend_grad,
  ...gradientBatchNormKernels,
  norm_grad,
  ...gradientSpatialKernels,
  ...gradientKernels,
  linear_weight_grad,
  ...lookupKernels,
  ...lossKernels,
  ...normKernels,
  ...packedKernels,
  ...reduceKernels,
  rope,
  ...routedKernels,
  ...softmaxKernels,
  ...spatialKernels,
  topk,
  write: (step, context) => elementwiseKernels.copy(asCopy(step), context),
};

/** The step as dispatches, of which the first of each stage that is meant for a run's sizes is run. */
export const dispatchesOf = (step: Step, context: Context): readonly Dispatch[] =>
  (wgslKernels[step.op] as WgslKernel<KernelOp>)(step, context);
