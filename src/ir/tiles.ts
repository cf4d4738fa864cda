import { constantDim } from "../tensor/dim.ts";
import type { Node, Value } from "./graph.ts";

/** Parts of a value that fill one axis of it, in their order: what a split gives. */
export interface Tiles {
  readonly axis: number;
  readonly parts: readonly Value[];
  readonly sizes: readonly number[];
}

/** The tiles that a value is cut into by all that read it; undefined if something else does, or they overlap or leave gaps. */
export function tilesOf(x: Value, users: readonly Node[]): Tiles | undefined {
  const slices = users.filter((node) => node.op === "slice");
  const [first] = slices;
  if (first === undefined || slices.length < 2 || slices.length !== users.length) return undefined;
  const { axis } = first.attrs;
  const sorted = slices.toSorted((a, b) => Number(a.attrs.start.key) - Number(b.attrs.start.key));
  let end = 0;
  for (const { attrs } of sorted) {
    if (attrs.axis !== axis || constantDim(attrs.start) !== end) return undefined;
    end += constantDim(attrs.size) ?? NaN;
  }
  if (constantDim(x.type.shape[axis]!) !== end) return undefined;
  return {
    axis,
    parts: sorted.map(({ results }) => results[0]!),
    sizes: sorted.map(({ attrs }) => Number(attrs.size.key)),
  };
}
