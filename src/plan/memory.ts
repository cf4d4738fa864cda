import type { SymbolDeclaration } from "../ir/graph.ts";
import { evaluateDim, sameDim, subtractDims, type Dim } from "../tensor/dim.ts";
import { isFloat, type Dtype } from "../tensor/dtype.ts";
import { elementsOf } from "../tensor/type.ts";
import { contracts } from "./kernel-ops.ts";
import { operandViews, type Buffer, type Home, type Slot, type Step } from "./plan.ts";
import { isDense, type View } from "./view.ts";

/** A buffer before memory is given out: one without a home will be in the arena. */
export interface DraftBuffer {
  readonly name: string;
  readonly dtype: Dtype;
  readonly elements: Dim;
  home: Exclude<Home, { kind: "slot" }> | undefined;
}

/** What a run-time dim is taken to be where two sizes must be compared that no symbol-free rule orders. */
const NOMINAL_SIZE = 16;

/**
 * Gives each buffer without a home a slot of the arena, from the step that first writes it to the last that reads it.
 * A slot is used again when its buffer is dead; a result takes over an operand that dies in its step where the
 * kernel's contract allows that.
 */
export function assignSlots(
  drafts: readonly DraftBuffer[],
  steps: readonly Step[],
  inputs: readonly number[],
  symbols: readonly SymbolDeclaration[],
): { readonly buffers: readonly Buffer[]; readonly slots: readonly Slot[] } {
  const arena = new Arena(symbols);
  const lastUse = lastUses(steps);
  const slotOf = new Map<number, number>();
  const inArena = (buffer: number): boolean => drafts[buffer]!.home === undefined;
  const give = (buffer: number): unknown => slotOf.set(buffer, arena.take(drafts[buffer]!.elements));
  for (const buffer of inputs) give(buffer);
  for (const buffer of inputs) if (!lastUse.has(buffer)) arena.release(slotOf.get(buffer)!);
  steps.forEach((step, index) => {
    const touched = [...operandViews(step), ...step.results].map((view) => view.buffer);
    const dying = new Set(touched.filter((buffer) => inArena(buffer) && lastUse.get(buffer) === index));
    for (const { buffer } of step.results) {
      if (!inArena(buffer) || slotOf.has(buffer)) continue;
      const donor = overwritable(step, buffer, dying, drafts);
      if (donor === undefined) give(buffer);
      else slotOf.set(buffer, slotOf.get(donor)!);
      if (donor !== undefined) dying.delete(donor);
    }
    for (const buffer of dying) arena.release(slotOf.get(buffer)!);
  });
  const buffers = drafts.map(({ home, ...draft }, index): Buffer => {
    return { ...draft, home: home ?? { kind: "slot", slot: slotOf.get(index)! } };
  });
  return { buffers, slots: arena.slots.map((sizes) => ({ sizes })) };
}

/** The last step that reads or writes each buffer. */
function lastUses(steps: readonly Step[]): Map<number, number> {
  const last = new Map<number, number>();
  steps.forEach((step, index) => {
    for (const view of [...operandViews(step), ...step.results]) last.set(view.buffer, index);
  });
  return last;
}

/** A dying operand whose memory the kernel may write a result of the same size into. */
function overwritable(
  step: Step,
  result: number,
  dying: ReadonlySet<number>,
  drafts: readonly DraftBuffer[],
): number | undefined {
  const allowed: readonly string[] = contracts[step.op].overwrites;
  const operands = step.operands as Readonly<Record<string, View | readonly View[] | undefined>>;
  const all = operandViews(step);
  const candidates = allowed.flatMap((name) => operands[name] ?? []);
  return candidates.find((view) => {
    const draft = drafts[view.buffer]!;
    const same = all.filter((other) => other.buffer === view.buffer);
    return (
      dying.has(view.buffer) &&
      isDense(view) &&
      sameDim(elementsOf(view.type), draft.elements) &&
      sameDim(draft.elements, drafts[result]!.elements) &&
      isFloat(draft.dtype) === isFloat(drafts[result]!.dtype) &&
      same.every((other) => candidates.includes(other) && isDense(other))
    );
  })?.buffer;
}

/** The slots so far, and which are free. */
class Arena {
  readonly slots: Dim[][] = [];
  readonly #free = new Set<number>();
  readonly #nominal: ReadonlyMap<string, number>;

  constructor(symbols: readonly SymbolDeclaration[]) {
    this.#nominal = new Map(
      symbols.map(({ name, max }) => [name, Math.min(max ?? NOMINAL_SIZE, NOMINAL_SIZE)]),
    );
  }

  /** The free slot that fits best: the smallest that is large enough, else the largest, which grows; else a new one. */
  take(size: Dim): number {
    const need = evaluateDim(size, this.#nominal);
    let best: number | undefined;
    let bestSpare = 0;
    for (const slot of this.#free) {
      const spare = this.#sizeOf(slot) - need;
      const better = spare >= 0 ? bestSpare < 0 || spare < bestSpare : bestSpare < 0 && spare > bestSpare;
      if (best === undefined || better) [best, bestSpare] = [slot, spare];
    }
    if (best === undefined) {
      this.slots.push([size]);
      return this.slots.length - 1;
    }
    this.#free.delete(best);
    this.slots[best] = withSize(this.slots[best]!, size);
    return best;
  }

  release(slot: number): void {
    this.#free.add(slot);
  }

  #sizeOf(slot: number): number {
    return Math.max(...this.slots[slot]!.map((size) => evaluateDim(size, this.#nominal)));
  }
}

/** The sizes with one more, without those that another one is never below. */
function withSize(sizes: readonly Dim[], size: Dim): Dim[] {
  if (sizes.some((other) => isAtMost(size, other))) return [...sizes];
  return [...sizes.filter((other) => !isAtMost(other, size)), size];
}

/** a ≤ b whatever the symbols are, as they are not negative; false if that is not plain from the coefficients. */
const isAtMost = (a: Dim, b: Dim): boolean =>
  subtractDims(b, a).terms.every(({ coefficient }) => coefficient >= 0);
