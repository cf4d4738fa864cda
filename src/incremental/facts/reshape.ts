import { divideDims, productOfDims, sameDim, symbolsOf, type Dim } from "../../tensor/dim.ts";
import type { Axes, Run } from "./fact.ts";

/** One run over positions among the elements of a tensor, row-major: so many elements of other axes stand before it. */
interface Place {
  readonly axis: number;
  /** The product of all sizes before it, and of what is merged with it in front. */
  readonly before: Dim;
  /** T, or what stands of it with a lead. */
  readonly rows: Dim;
  readonly run: Run;
}

function placesOf(shape: readonly Dim[], axes: Axes): Place[] {
  const places: Place[] = [];
  for (const [axis, run] of axes) {
    if (run.kind === "odd") continue;
    const outside = productOfDims(shape.slice(0, axis));
    if (run.kind === "rows") places.push({ axis, before: outside, rows: shape[axis]!, run });
    else {
      const rows = divideDims(shape[axis]!, productOfDims([run.outer, run.inner]));
      if (rows !== undefined) places.push({ axis, before: productOfDims([outside, run.outer]), rows, run });
    }
  }
  return places;
}

/** The run that an axis of a reshaped tensor is, if all of a run of the tensor before is in it. */
function runAt(shape: readonly Dim[], axis: number, { before, rows, run }: Place): Run | undefined {
  const outside = productOfDims(shape.slice(0, axis));
  const size = shape[axis]!;
  if (sameDim(size, rows)) return sameDim(outside, before) ? wholeRun(run) : undefined;
  if (run.kind === "rows" && (run.lead !== 0 || run.trail !== 0)) return undefined;
  const outer = divideDims(before, outside);
  const inner = outer && divideDims(size, productOfDims([outer, rows]));
  if (outer === undefined || inner === undefined || sharesSymbols(rows, [outer, inner])) return undefined;
  return { kind: "merged", outer, inner };
}

/** Two axes of positions in one are neither's. */
const sharesSymbols = (rows: Dim, others: readonly Dim[]): boolean =>
  others.some((size) => [...symbolsOf(size)].some((name) => symbolsOf(rows).has(name)));

const wholeRun = (run: Run): Run => (run.kind === "rows" ? run : { kind: "rows", lead: 0, trail: 0 });

/** The run of each axis of the result of a reshape that has one of the tensor before, and which axis that was. */
function matches(
  from: readonly Dim[],
  axes: Axes,
  to: readonly Dim[],
): Map<number, { at: number; run: Run }> {
  const found = new Map<number, { at: number; run: Run }>();
  for (const place of placesOf(from, axes))
    for (const axis of to.keys()) {
      const run = found.has(axis) ? undefined : runAt(to, axis, place);
      if (run === undefined) continue;
      found.set(axis, { at: place.axis, run });
      break;
    }
  return found;
}

/** By the axis of the result, the axis of the operand that it runs along with. */
export const reshapedFrom = (
  from: readonly Dim[],
  axes: Axes,
  to: readonly Dim[],
): ReadonlyMap<number, number> => new Map([...matches(from, axes, to)].map(([axis, { at }]) => [axis, at]));

/** By the axis of the result, how it runs over positions. */
export const reshapedRuns = (from: readonly Dim[], axes: Axes, to: readonly Dim[]): Axes =>
  new Map([...matches(from, axes, to)].map(([axis, { run }]) => [axis, run]));
