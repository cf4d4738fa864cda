import type { KernelOp } from "../../../kernels/contracts.ts";
import type { StepOf } from "../../../plan/plan.ts";
import type { LoopKernel } from "../tree.ts";

/** Writes a step of one op as loops. */
export type Loops<K extends KernelOp> = (step: StepOf<K>) => LoopKernel;
