import type { SymbolDeclaration } from "../ir/graph.ts";
import { sameDim } from "../tensor/dim.ts";
import { mayOverwrite } from "./overwrite.ts";
import { operandEntries, type Buffer, type Home, type Slot, type Step } from "./plan.ts";
import { packSlots, type Tenancy } from "./slots.ts";
import type { View } from "../kernels/view.ts";

/** A buffer before memory is given out: one without a home will be in the arena. */
export interface DraftBuffer extends Omit<Buffer, "home"> {
  home: Home | undefined;
}

/** When inputs are copied into the arena: before the first step. */
const BEFORE_ALL = -1;

/**
 * Gives each buffer that steps use and that has no home a slot of the arena, from the step that first writes it to the
 * last that reads it. A result takes over an operand that dies in its step where the kernel's contract allows that; the
 * rest is packing. Returns the slots.
 */
export function assignSlots(
  drafts: readonly DraftBuffer[],
  steps: readonly Step[],
  inputs: readonly number[],
  symbols: readonly SymbolDeclaration[],
): readonly Slot[] {
  const lastUse = lastUses(steps);
  const tenancies: Tenancy[] = [];
  const tenancyOf = new Map<number, number>();
  const moveIn = (buffer: number, first: number): void => {
    const size = drafts[buffer]!.elements;
    tenancyOf.set(buffer, tenancies.push({ size, first, last: lastUse.get(buffer) ?? first }) - 1);
  };
  for (const buffer of inputs) moveIn(buffer, BEFORE_ALL);
  steps.forEach((step, index) => {
    const dying = dyingIn(step, index, lastUse, tenancyOf);
    for (const result of step.results) {
      const { buffer } = result;
      if (drafts[buffer]!.home !== undefined || tenancyOf.has(buffer)) continue;
      const donor = donorOf(step, result, dying, drafts);
      if (donor === undefined) {
        moveIn(buffer, index);
        continue;
      }
      dying.delete(donor);
      const taken = tenancyOf.get(donor)!;
      tenancyOf.set(buffer, taken);
      tenancies[taken]!.last = lastUse.get(buffer) ?? index;
    }
  });
  const { slotOf, slots } = packSlots(tenancies, symbols);
  for (const [buffer, tenancy] of tenancyOf) drafts[buffer]!.home = { kind: "slot", slot: slotOf[tenancy]! };
  const buffersOf = new Map<number, number[]>();
  for (const [buffer, tenancy] of tenancyOf)
    buffersOf.set(tenancy, [...(buffersOf.get(tenancy) ?? []), buffer]);
  return slots.map((list) => ({ buffers: list.flatMap((tenancy) => buffersOf.get(tenancy)!) }));
}

/** The buffers of the arena that the step is the last to touch. */
function dyingIn(
  step: Step,
  index: number,
  lastUse: ReadonlyMap<number, number>,
  inArena: ReadonlyMap<number, number>,
): Set<number> {
  const dying = new Set<number>();
  for (const { view } of operandEntries(step))
    if (inArena.has(view.buffer) && lastUse.get(view.buffer) === index) dying.add(view.buffer);
  return dying;
}

/** The last step that reads or writes each buffer. */
function lastUses(steps: readonly Step[]): Map<number, number> {
  const last = new Map<number, number>();
  steps.forEach((step, index) => {
    for (const { view } of operandEntries(step)) last.set(view.buffer, index);
    for (const { buffer } of step.results) last.set(buffer, index);
  });
  return last;
}

/** A dying operand whose memory the kernel may write a result of the same size into. */
const donorOf = (
  step: Step,
  result: View,
  dying: ReadonlySet<number>,
  drafts: readonly DraftBuffer[],
): number | undefined =>
  [...dying].find(
    (buffer) =>
      sameDim(drafts[buffer]!.elements, drafts[result.buffer]!.elements) &&
      mayOverwrite(step, buffer, result),
  );
