import { Heap } from "../support/heap.ts";

/** Two ids as one number; vocabularies are far smaller than this. */
export const MOST_IDS = 2 ** 26;
export const pairKey = (left: number, right: number): number => left * MOST_IDS + right;

/** What a pair becomes, and its place in the order of merges. */
export interface RankedMerge {
  readonly rank: number;
  readonly id: number;
}

/** Rank and place of a step in one number, which orders steps as they are taken. Words are shorter than this. */
const PLACES = 2 ** 28;

/**
 * Applies merges (by `pairKey`) in the order in which they were learnt, each from the left; n log n in the length. The
 * ids given are used up.
 */
export function mergeIds(ids: number[], ranked: ReadonlyMap<number, RankedMerge>): readonly number[] {
  // A list with links: those of a token that was merged into its left neighbour are never read again.
  const next = ids.map((_, at) => at + 1);
  const previous = ids.map((_, at) => at - 1);
  const isGone = new Uint8Array(ids.length);
  const mergeAt = (at: number): RankedMerge | undefined =>
    at < 0 || next[at]! >= ids.length ? undefined : ranked.get(pairKey(ids[at]!, ids[next[at]!]!));
  const steps = new Heap<number>((a, b) => a < b);
  const consider = (at: number): void => {
    const merge = mergeAt(at);
    if (merge !== undefined) steps.push(merge.rank * PLACES + at);
  };
  for (let at = 0; at < ids.length; at++) consider(at);
  for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
    const at = step % PLACES;
    const merge = isGone[at] === 1 ? undefined : mergeAt(at);
    if (merge?.rank !== Math.floor(step / PLACES)) continue;
    const merged = next[at]!;
    isGone[merged] = 1;
    ids[at] = merge.id;
    next[at] = next[merged]!;
    if (next[at] < ids.length) previous[next[at]] = at;
    consider(at);
    consider(previous[at]!);
  }
  return ids.filter((_, at) => isGone[at] === 0);
}
