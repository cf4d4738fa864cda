import { bytesOf, elementBytes, type Storage } from "../kernels/storage.ts";
import { portableTarget, type Target } from "../kernels/target.ts";
import { subtractDims, type Dim } from "../tensor/dim.ts";
import type { Buffer, PlanPart, Step } from "./plan.ts";

/** How the buffers of a plan lie in a target's memory; all sizes are in bytes. */
export interface Layout {
  readonly storage: (buffer: number) => Storage;
  readonly bytes: (buffer: number) => Dim;
  /** Of one element; a half where two lie in a byte. */
  readonly elementBytes: (buffer: number) => number;
  /** Of each slot of a part's arena: no polynomial is everywhere at most another; the slot is as large as the largest. */
  readonly slots: (part: Pick<PlanPart, "slots">) => readonly (readonly Dim[])[];
  /** Of the memory that one step after the other has for itself while it runs, as its target says: it is as large as the largest. */
  readonly scratch: (steps: readonly Step[]) => readonly Dim[];
}

/** The layout for a target; for one of 32-bit words if none is said. */
export function layoutOf(
  { buffers }: { readonly buffers: readonly Buffer[] },
  target: Pick<Target, "storageOf" | "scratchOf"> = portableTarget,
): Layout {
  const storage = (buffer: number): Storage => {
    const { dtype, home, half } = buffers[buffer]!;
    return half ?? target.storageOf({ dtype, home: home.kind });
  };
  const bytes = (buffer: number): Dim => bytesOf(storage(buffer), buffers[buffer]!.elements);
  return {
    storage,
    bytes,
    elementBytes: (buffer) => elementBytes(storage(buffer)),
    slots: ({ slots }) => slots.map((slot) => slot.buffers.map(bytes).reduce<readonly Dim[]>(withSize, [])),
    scratch: (steps) => [
      ...new Map(
        steps.flatMap((step) => target.scratchOf?.(step) ?? []).map((size) => [size.key, size]),
      ).values(),
    ],
  };
}

/** The sizes with one more, without those that another one is never below. */
function withSize(sizes: readonly Dim[], size: Dim): readonly Dim[] {
  if (sizes.some((other) => isAtMost(size, other))) return sizes;
  return [...sizes.filter((other) => !isAtMost(other, size)), size];
}

/** a ≤ b whatever the symbols are, as they are not negative; false if that is not plain from the coefficients. */
const isAtMost = (a: Dim, b: Dim): boolean =>
  subtractDims(b, a).terms.every(({ coefficient }) => coefficient >= 0);
