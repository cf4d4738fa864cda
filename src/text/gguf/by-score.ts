import { Heap } from "../../support/heap.ts";

/** Two neighbours of a text as one piece: from where to where, and its score. */
interface Step {
  readonly score: number;
  readonly at: number;
  readonly end: number;
}

/**
 * Cuts the UTF-8 of a text into characters and joins neighbours, those first whose piece has the highest score, of equals the
 * leftmost; n log n in the length. Gives where each part begins; `scoreOf` the bytes from one place up to another, undefined
 * for what is no piece of the vocabulary.
 */
export function joinByScore(
  text: Uint8Array,
  scoreOf: (start: number, end: number) => number | undefined,
): readonly number[] {
  const starts: number[] = [];
  for (let at = 0; at < text.length; at++) if (!isInside(text[at]!)) starts.push(at);
  // By the place in the text: where a part ends, where the one before begins; -1 where a part was joined to that.
  const ends = new Int32Array(text.length).fill(-1);
  const previous = new Int32Array(text.length);
  for (const [index, start] of starts.entries()) {
    ends[start] = starts[index + 1] ?? text.length;
    previous[start] = starts[index - 1] ?? -1;
  }
  const steps = new Heap<Step>((a, b) => a.score > b.score || (a.score === b.score && a.at < b.at));
  const consider = (at: number): void => {
    if (at < 0 || ends[at]! >= text.length) return;
    const end = ends[ends[at]!]!;
    const score = scoreOf(at, end);
    if (score !== undefined) steps.push({ score, at, end });
  };
  for (const start of starts) consider(start);
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const { at, end } = step;
    const middle = ends[at]!;
    // One of the two was joined to another since.
    if (middle < 0 || middle >= text.length || ends[middle] !== end) continue;
    ends[at] = end;
    ends[middle] = -1;
    if (end < text.length) previous[end] = at;
    consider(at);
    consider(previous[at]!);
  }
  return starts.filter((start) => ends[start]! >= 0);
}

/** Whether a byte of UTF-8 goes on with a character. */
const isInside = (byte: number): boolean => (byte & 0xc0) === 0x80;
