import type { Encoded } from "../tokenizer.ts";
import type { TemplatePart } from "./processors.ts";

/** Which end of a text is cut off. */
export type Cuts = "Left" | "Right";

/** The ids of one or two texts in their template, cut so that all are at most `longest`: what stands around them never is. */
export function assembled(
  template: readonly TemplatePart[],
  texts: readonly (readonly number[])[],
  longest: number,
  cuts: Cuts,
): Encoded {
  const around = template.reduce((count, part) => count + ("ids" in part ? part.ids.length : 0), 0);
  const lengths = texts.map(({ length }) => length);
  const rooms = roomsOf(lengths, Math.max(0, longest - around));
  const kept = texts.map((ids, at) =>
    cuts === "Right" ? ids.slice(0, rooms[at]) : ids.slice(ids.length - rooms[at]!),
  );
  const parts = template.map((part) => ({
    ids: "ids" in part ? part.ids : kept[part.text]!,
    type: part.type,
  }));
  return {
    ids: parts.flatMap(({ ids }) => ids),
    types: parts.flatMap(({ ids, type }) => ids.map(() => type)),
    whole: lengths.reduce((sum, length) => sum + length, around),
  };
}

/** How much of each text stays, of two the longer is cut first: `TruncationStrategy::LongestFirst` of `tokenizers`. */
function roomsOf(lengths: readonly number[], room: number): readonly number[] {
  const [first, second] = lengths as readonly [number, number | undefined];
  if (second === undefined) return [Math.min(first, room)];
  if (first + second <= room) return lengths;
  const shorter = Math.min(first, second);
  const half = Math.floor(room / 2);
  // Where not even the shorter leaves the longer as much, both get half, and the odd one is the longer's.
  const [less, more] = shorter <= half ? [shorter, room - shorter] : [half, room - half];
  return first <= second ? [less, more] : [more, less];
}
