import type { KernelOp } from "../../../kernels/contracts.ts";
import type { StepOf } from "../../../plan/plan.ts";
import type { Call } from "../call.ts";
import type { Placing } from "../placing.ts";

/** Writes a step of one op as a call of a function that it also writes. */
export type TsKernel<K extends KernelOp> = (step: StepOf<K>, placing: Placing) => Call;
