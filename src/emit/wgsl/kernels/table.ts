import { invariant } from "../../../support/invariant.ts";
import type { KernelOp, TrainingKernel } from "../../../plan/kernel-ops.ts";
import type { Step } from "../../../plan/plan.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { add_norm } from "./add-norm.ts";
import { attend } from "./attend.ts";
import { cast, copy, elementwise } from "./elementwise.ts";
import { linear_epilogue, matmul } from "./linear.ts";
import { embedding, iota, relative_bucket, spread, topk } from "./lookup.ts";
import { accuracy, cross_entropy, mean_squared_error } from "./loss.ts";
import { batch_norm, l2_norm, layer_norm, rms_norm } from "./norm.ts";
import { cumsum, log_softmax, reductions, softmax } from "./reduce.ts";
import { rope } from "./rope.ts";
import { conv2d, max_pool2d } from "./spatial.ts";

/** What this target has kernels for: it runs models and does not train them. */
export type WgslOp = Exclude<KernelOp, TrainingKernel>;

/** The kernels of this target, one row an op of plans that run a model. */
export const wgslKernels: { readonly [K in WgslOp]: WgslKernel<K> } = {
  copy,
  cast,
  elementwise,
  iota,
  relative_bucket,
  ...reductions,
  cumsum,
  softmax,
  log_softmax,
  topk,
  spread,
  matmul,
  linear_epilogue,
  embedding,
  conv2d,
  max_pool2d,
  rope,
  attend,
  layer_norm,
  rms_norm,
  l2_norm,
  batch_norm,
  add_norm,
  cross_entropy,
  mean_squared_error,
  accuracy,
};

export const isWgslOp = (op: KernelOp): op is WgslOp => Object.hasOwn(wgslKernels, op);

/** The step as dispatches, of which the first that is meant for a run's sizes is run. */
export function dispatchesOf(step: Step, context: Context): readonly Dispatch[] {
  const kernel = (wgslKernels as Readonly<Partial<Record<KernelOp, unknown>>>)[step.op];
  invariant(kernel, `this target has no kernel for ${step.op}, an op of training steps`);
  return (kernel as WgslKernel<KernelOp>)(step, context);
}
