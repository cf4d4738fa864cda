import type { SymbolDeclaration } from "../ir/graph.ts";
import { evaluateDim, type Dim } from "../tensor/dim.ts";

/** Memory that is needed from one step to another, both included: by one buffer, or by several in the same place. */
export interface Tenancy {
  readonly size: Dim;
  readonly first: number;
  last: number;
}

/** What a run-time dim is taken to be where two sizes must be compared that no symbol-free rule orders. */
const NOMINAL_SIZE = 16;

/** How many slots are asked whether they are free, the smallest first: of a deep training's thousands some always are. */
const MOST_ASKED = 1024;

/**
 * Gives each tenancy a slot such that no two in one slot overlap in time: the largest first, each into the smallest slot
 * that is free for as long as it stays (greedy by size, Pisarchyk and Lee 2020, "Efficient memory management for deep
 * neural net inference"). A slot never grows but where sizes cannot be compared. n log n in tenancies.
 *
 * @returns the slot of each tenancy, and the tenancies of each slot in the order in which they moved in
 */
export function packSlots(
  tenancies: readonly Tenancy[],
  symbols: readonly SymbolDeclaration[],
): { readonly slotOf: readonly number[]; readonly slots: readonly (readonly number[])[] } {
  const nominal = new Map(
    symbols.map(({ name, max }) => [name, Math.min(max ?? NOMINAL_SIZE, NOMINAL_SIZE)]),
  );
  const needs = tenancies.map(({ size }) => evaluateDim(size, nominal));
  const order = tenancies
    .map((_, index) => index)
    .sort((a, b) => needs[b]! - needs[a]! || tenancies[a]!.first - tenancies[b]!.first);
  /** The tenancies of each slot, in the order of their time. */
  const taken: Tenancy[][] = [];
  const slots: number[][] = [];
  const slotOf = new Array<number>(tenancies.length);
  for (const index of order) {
    const tenancy = tenancies[index]!;
    const slot = freeSlot(taken, tenancy) ?? taken.push([]) - 1;
    taken[slot]!.splice(placeOf(taken[slot]!, tenancy.first), 0, tenancy);
    (slots[slot] ??= []).push(index);
    slotOf[index] = slot;
  }
  return { slotOf, slots };
}

function freeSlot(slots: readonly (readonly Tenancy[])[], tenancy: Tenancy): number | undefined {
  const end = Math.max(slots.length - MOST_ASKED, 0);
  for (let slot = slots.length - 1; slot >= end; slot--) if (isFree(slots[slot]!, tenancy)) return slot;
  return undefined;
}

/** The place of the first tenant that begins at `step` or later. */
function placeOf(tenants: readonly Tenancy[], step: number): number {
  let low = 0;
  let high = tenants.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tenants[middle]!.first < step) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isFree(tenants: readonly Tenancy[], { first, last }: Tenancy): boolean {
  const place = placeOf(tenants, first);
  const [before, after] = [tenants[place - 1], tenants[place]];
  return (before === undefined || before.last < first) && (after === undefined || after.first > last);
}
