import type { Value } from "../ir/graph.ts";
import { constantDim } from "../tensor/dim.ts";
import type { Backward } from "./backward.ts";
import type { Cotangent, PartCotangent } from "./vjp.ts";

const isPart = (cotangent: Cotangent): cotangent is PartCotangent => "part" in cotangent;

/** The sum of what the readers of a value give it: whole gradients in their order, then slices put together. */
export function sumCotangents(given: readonly Cotangent[], value: Value, backward: Backward): Value {
  const whole = given.filter((cotangent): cotangent is Value => !isPart(cotangent));
  const layers = layersOf(given.filter(isPart), backward).map((parts) =>
    backward.padParts(parts, parts[0]!.axis, value.type.shape),
  );
  return [...whole, ...layers].reduce((sum, each) => backward.add(sum, each));
}

interface Placed {
  readonly parts: PartCotangent[];
  readonly start: number;
  readonly end: number;
}

/**
 * Parts that lie beside each other along one axis, as few groups as first fit finds: the slices of a value that was split
 * are one group. Parts of one place are added first. A part whose place waits for the run is a group of its own.
 */
function layersOf(
  parts: readonly PartCotangent[],
  backward: Backward,
): readonly (readonly PartCotangent[])[] {
  const alone: PartCotangent[][] = [];
  const places = new Map<string, Placed>();
  for (const part of parts) {
    const start = constantDim(part.start);
    const size = constantDim(part.part.type.shape[part.axis]!);
    if (start === undefined || size === undefined) {
      alone.push([part]);
      continue;
    }
    const key = `${part.axis} ${start} ${size}`;
    const place = places.get(key);
    if (place === undefined) places.set(key, { parts: [part], start, end: start + size });
    else place.parts.push(part);
  }
  const sorted = [...places.values()].sort((a, b) => a.start - b.start);
  const open: { end: number; readonly layer: PartCotangent[] }[] = [];
  for (const { parts: same, start, end } of sorted) {
    const [first, ...rest] = same as [PartCotangent, ...PartCotangent[]];
    const sum = rest.reduce((total, { part }) => backward.add(total, part), first.part);
    const fitting = open.find(({ end: last, layer }) => last <= start && layer[0]!.axis === first.axis);
    if (fitting === undefined) open.push({ end, layer: [{ ...first, part: sum }] });
    else {
      fitting.layer.push({ ...first, part: sum });
      fitting.end = end;
    }
  }
  return [...open.map(({ layer }) => layer), ...alone];
}
