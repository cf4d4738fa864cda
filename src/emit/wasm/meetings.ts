import { stepsOf, type Stage } from "../../plan/loops.ts";
import { memoryName, operandViews, type Buffer } from "../../plan/plan.ts";
import type { KernelCall } from "./kernel-table.ts";

/** A stage with its call. */
export interface CalledStage {
  readonly stage: Stage;
  readonly call: KernelCall;
}

/** What is to be known of a call where threads run it in step with others. */
export interface Meeting {
  /** Whether all threads must have done what came before. */
  readonly before: boolean;
  /** Whether it changes a state: from then on a run that is not refused goes on to its end. */
  readonly changesState: boolean;
}

/**
 * Where threads must meet: before a call that reads what one since the last meeting wrote, or writes what one of them reads
 * or writes. Memory counts, not names: a slot, a state, the scratch memory that threads share. And no state is changed
 * before it is known that nothing was refused so far. A kernel of several phases is a meeting itself.
 */
export function meetingsOf(calls: readonly CalledStage[], buffers: readonly Buffer[]): Meeting[] {
  let reads = new Set<string>();
  let writes = new Set<string>();
  let mayRefuse = false;
  return calls.map(({ stage, call }) => {
    const touched = touchedBy(stage, call, buffers);
    const changesState = stepsOf(stage).some(({ results }) =>
      results.some(({ buffer }) => buffers[buffer]!.home.kind === "state"),
    );
    const before =
      (mayRefuse && changesState) ||
      touched.reads.some((memory) => writes.has(memory)) ||
      touched.writes.some((memory) => writes.has(memory) || reads.has(memory));
    if (before || call.kernel.phases > 1) {
      [reads, writes] = [new Set(), new Set()];
      mayRefuse = false;
    }
    for (const memory of touched.reads) reads.add(memory);
    for (const memory of touched.writes) writes.add(memory);
    mayRefuse ||= call.kernel.mayRefuse;
    return { before, changesState };
  });
}

function touchedBy(
  stage: Stage,
  { scratch }: KernelCall,
  buffers: readonly Buffer[],
): { readonly reads: readonly string[]; readonly writes: readonly string[] } {
  const steps = stepsOf(stage);
  const made = steps.flatMap(({ results }) => results.map(({ buffer }) => buffer));
  const isStored = (buffer: number): boolean => !("steps" in stage) || stage.stored.has(buffer);
  const read = steps
    .flatMap((step) => operandViews(step).map(({ buffer }) => buffer))
    .filter((buffer) => !made.includes(buffer) || isStored(buffer));
  const memoryOf = (buffer: number): string => memoryName(buffers[buffer]!);
  return {
    reads: read.map(memoryOf),
    writes: [...made.filter(isStored).map(memoryOf), ...(scratch.shared.length > 0 ? ["shared"] : [])],
  };
}
