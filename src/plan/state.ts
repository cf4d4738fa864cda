import { invariant } from "../support/invariant.ts";
import { sameDim } from "../tensor/dim.ts";
import { elementsOf } from "../tensor/type.ts";
import type { DraftBuffer } from "./memory.ts";
import { mayOverwrite } from "./overwrite.ts";
import { operandViews, type Step } from "./plan.ts";
import { isDense, type View } from "../kernels/view.ts";

/** An input of the graph whose value in the next run is an output: both are one tensor that the model keeps. */
export interface StatePair {
  readonly input: string;
  readonly output: string;
}

/** A state as it is, and the view that holds what it is next. */
export interface KeptState {
  readonly name: string;
  readonly now: View;
  readonly next: View;
}

/**
 * Makes the results of a run the state of the next. Where the step that makes it is the last to read the old value, and
 * may write over what it reads, its result lives in the state's own memory; else it is copied there after all steps.
 * Returns the states that need the copy.
 */
export function keepStates(
  states: readonly KeptState[],
  buffers: readonly DraftBuffer[],
  steps: readonly Step[],
): readonly KeptState[] {
  const { lastRead, writers } = usesOf(steps);
  const stateBuffers = new Set(states.map(({ now }) => now.buffer));
  return states.filter(({ name, now, next }) => {
    if (next.buffer === now.buffer) return false;
    invariant(!stateBuffers.has(next.buffer), `the state ${name} becomes another one`);
    const draft = buffers[next.buffer]!;
    const made = writers.get(next.buffer) ?? [];
    const [writer] = made;
    const isWhole = isDense(next) && sameDim(draft.elements, elementsOf(now.type));
    if (draft.home !== undefined || made.length !== 1 || writer === undefined || !isWhole) return true;
    const last = lastRead.get(now.buffer) ?? -1;
    if (last > writer || (last === writer && !mayOverwrite(steps[writer]!, now.buffer, next))) return true;
    draft.home = { kind: "state", state: name };
    return false;
  });
}

function usesOf(steps: readonly Step[]) {
  const lastRead = new Map<number, number>();
  const writers = new Map<number, number[]>();
  steps.forEach((step, index) => {
    for (const { buffer } of operandViews(step)) lastRead.set(buffer, index);
    for (const { buffer } of step.results) {
      const known = writers.get(buffer);
      if (known === undefined) writers.set(buffer, [index]);
      else known.push(index);
    }
  });
  return { lastRead, writers };
}
