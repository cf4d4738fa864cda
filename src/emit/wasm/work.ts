import type { ProgramPlan } from "../../plan/plan.ts";
import { largest } from "../../support/lists.ts";
import { evaluateDim } from "../../tensor/dim.ts";

/** What a run-time dim is taken to be where nobody has said it yet. */
const NOMINAL_SIZE = 16;

/**
 * Floating-point operations that are worth a thread: 0.1 ms of one core. Threads that meet at each step cost a run of
 * 50 steps some 0.02 ms, and a worker that is to wake first 0.05 ms.
 */
const WORK_OF_THREAD = 4e6;

/** How many threads a run of nominal size is worth; of several parts the one with the most work says it. */
export function threadsWorth({ parts }: ProgramPlan): number {
  const flops = parts.map(({ steps, symbols }) => {
    const sizes = new Map(symbols.map(({ name, max = NOMINAL_SIZE }) => [name, Math.min(max, NOMINAL_SIZE)]));
    return steps.reduce((sum, step) => sum + evaluateDim(step.flops, sizes), 0);
  });
  return Math.max(1, Math.floor(largest(flops, 0) / WORK_OF_THREAD));
}
