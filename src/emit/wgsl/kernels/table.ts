import type { KernelOp } from "../../../plan/kernel-ops.ts";
import type { Step } from "../../../plan/plan.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { add_norm } from "./add-norm.ts";
import { attend } from "./attend.ts";
import { cast, copy, elementwise } from "./elementwise.ts";
import { linear_epilogue, matmul } from "./linear.ts";
import { attend_grad } from "./gradient-attend.ts";
import { batch_norm_grad, batch_statistics, batch_statistics_grad } from "./gradient-batch-norm.ts";
import { norm_grad } from "./gradient-norm.ts";
import { conv2d_weight_grad, conv2d_x_grad, max_pool2d_grad } from "./gradient-spatial.ts";
import { cross_entropy_grad, dropout, embedding_grad, extent, take } from "./gradient.ts";
import { linear_weight_grad } from "./gradient-weight.ts";
import { embedding, iota, relative_bucket, spread, topk } from "./lookup.ts";
import { accuracy, cross_entropy, mean_squared_error } from "./loss.ts";
import { batch_norm, l2_norm, layer_norm, rms_norm } from "./norm.ts";
import { reductions } from "./reduce.ts";
import { rope } from "./rope.ts";
import { cumsum, log_softmax, softmax } from "./softmax.ts";
import { conv2d, max_pool2d } from "./spatial.ts";

/** The kernels of this target, one row an op. */
export const wgslKernels: { readonly [K in KernelOp]: WgslKernel<K> } = {
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
  dropout,
  batch_statistics,
  norm_grad,
  batch_norm_grad,
  batch_statistics_grad,
  attend_grad,
  embedding_grad,
  linear_weight_grad,
  cross_entropy_grad,
  conv2d_x_grad,
  conv2d_weight_grad,
  max_pool2d_grad,
  take,
  extent,
};

/** The step as dispatches, of which the first of each stage that is meant for a run's sizes is run. */
export const dispatchesOf = (step: Step, context: Context): readonly Dispatch[] =>
  (wgslKernels[step.op] as WgslKernel<KernelOp>)(step, context);
