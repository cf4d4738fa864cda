import type { SymbolDeclaration } from "../ir/graph.ts";
import { evaluateDim, subtractDims, type Dim } from "../tensor/dim.ts";

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
 * @returns the slot of each tenancy, and the sizes of each slot of which the largest counts
 */
export function packSlots(
  tenancies: readonly Tenancy[],
  symbols: readonly SymbolDeclaration[],
): { readonly slotOf: readonly number[]; readonly slots: readonly (readonly Dim[])[] } {
  const nominal = new Map(
    symbols.map(({ name, max }) => [name, Math.min(max ?? NOMINAL_SIZE, NOMINAL_SIZE)]),
  );
  const needs = tenancies.map(({ size }) => evaluateDim(size, nominal));
  const order = tenancies
    .map((_, index) => index)
    .sort((a, b) => needs[b]! - needs[a]! || tenancies[a]!.first - tenancies[b]!.first);
  const slots: Slot[] = [];
  const slotOf = new Array<number>(tenancies.length);
  for (const index of order) {
    const tenancy = tenancies[index]!;
    const slot = freeSlot(slots, tenancy) ?? slots.push({ sizes: [], tenants: [] }) - 1;
    moveIn(slots[slot]!, tenancy);
    slotOf[index] = slot;
  }
  return { slotOf, slots: slots.map(({ sizes }) => sizes) };
}

interface Slot {
  sizes: readonly Dim[];
  /** In the order of their time. */
  readonly tenants: Tenancy[];
}

function freeSlot(slots: readonly Slot[], tenancy: Tenancy): number | undefined {
  const end = Math.max(slots.length - MOST_ASKED, 0);
  for (let slot = slots.length - 1; slot >= end; slot--)
    if (isFree(slots[slot]!.tenants, tenancy)) return slot;
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

function moveIn(slot: Slot, tenancy: Tenancy): void {
  slot.tenants.splice(placeOf(slot.tenants, tenancy.first), 0, tenancy);
  slot.sizes = withSize(slot.sizes, tenancy.size);
}

/** The sizes with one more, without those that another one is never below. */
function withSize(sizes: readonly Dim[], size: Dim): readonly Dim[] {
  if (sizes.some((other) => isAtMost(size, other))) return sizes;
  return [...sizes.filter((other) => !isAtMost(other, size)), size];
}

/** a ≤ b whatever the symbols are, as they are not negative; false if that is not plain from the coefficients. */
const isAtMost = (a: Dim, b: Dim): boolean =>
  subtractDims(b, a).terms.every(({ coefficient }) => coefficient >= 0);
