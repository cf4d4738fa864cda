import type { KernelOp } from "../../../kernels/contracts.ts";
import type { Step } from "../../../plan/plan.ts";
import type { LoopKernel } from "../tree.ts";
import { add_norm } from "./add-norm.ts";
import { batchNormLoops } from "./batch-norm.ts";
import { dropout } from "./dropout.ts";
import { elementwiseLoops } from "./elementwise.ts";
import { norm_grad } from "./gradient-norm.ts";
import { linear_attend_grad } from "./gradient-linear-attend.ts";
import type { Loops } from "./kernel.ts";
import { linear_attend } from "./linear-attend.ts";
import { lookupLoops } from "./lookup.ts";
import { lossLoops } from "./loss.ts";
import { normLoops } from "./norm.ts";
import { reduceLoops } from "./reduce.ts";
import { rope } from "./rope.ts";
import { routedLoops } from "./routed.ts";

/** The kernels that are loops over rows. What wants registers and blocks, each target writes by hand. */
export const loopKernels = {
  add_norm,
  ...batchNormLoops,
  dropout,
  ...elementwiseLoops,
  norm_grad,
  linear_attend,
  linear_attend_grad,
  ...lookupLoops,
  ...lossLoops,
  ...normLoops,
  ...reduceLoops,
  rope,
  ...routedLoops,
} as const satisfies { readonly [K in KernelOp]?: Loops<K> };

/** The ops whose kernels are loops. */
export type LoopOp = keyof typeof loopKernels;

/** The step as loops; undefined if its kernel is written by hand. */
export function loopsOf(step: Step): LoopKernel | undefined {
  if (!Object.hasOwn(loopKernels, step.op)) return undefined;
  const write = loopKernels[step.op as LoopOp] as (step: Step) => LoopKernel;
  return write(step);
}
