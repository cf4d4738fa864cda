import type { Value } from "../../../ir/graph.ts";
import { NoForm } from "../graph.ts";
import type { Meaning, Site } from "../site.ts";

/** Writes a node as core ops: what its result means, or each of its results. */
export type Convert = (site: Site) => Meaning | readonly Meaning[];

/** An axis as it is counted from the front. */
export function axisOf(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank) throw new NoForm(`axis ${axis} of a value of ${rank} axes`);
  return at;
}

export const axesOf = (axes: readonly number[], rank: number): readonly number[] =>
  axes.map((axis) => axisOf(axis, rank));

export const rankOf = ({ type }: Value): number => type.shape.length;

/** All axes, with some in each other's places. */
export function swapped(rank: number, a: number, b: number): readonly number[] {
  return Array.from({ length: rank }, (_, axis) => (axis === a ? b : axis === b ? a : axis));
}
