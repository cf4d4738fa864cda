import type { Pattern } from "./pattern.ts";

/** A part of a text on its way to become tokens. */
export interface Piece {
  readonly text: string;
  /** How many UTF-16 units at its beginning come from the first character of the whole text: 0 for all later pieces. */
  readonly head: number;
}

/** A part of a text, and whether the pattern matches it. Together the parts are the text. */
interface Part {
  readonly start: number;
  end: number;
  readonly isMatch: boolean;
}

/** What becomes of the matches that cut a text. */
export const BEHAVIORS = [
  "Removed",
  "Isolated",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** Where a pattern matches, and what lies between; as `FindMatches` of the crate `onig` steps. */
export function partsOf(text: string, pattern: Pattern): Part[] {
  const parts: Part[] = [];
  let end = 0;
  let lastMatchEnd = -1;
  const find = pattern(text);
  for (let from = 0; from <= text.length;) {
    const match = find(from);
    if (match === undefined) break;
    // An empty match right behind a match is none: one character further on.
    if (match.start === match.end && match.end === lastMatchEnd) {
      from += (text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1;
      continue;
    }
    if (match.start > end) parts.push({ start: end, end: match.start, isMatch: false });
    parts.push({ ...match, isMatch: true });
    from = end = lastMatchEnd = match.end;
  }
  if (end < text.length) parts.push({ start: end, end: text.length, isMatch: false });
  return parts;
}

/** Replaces each match. */
export function replaceMatches(text: string, pattern: Pattern, content: string): string {
  const parts = text === "" ? [] : partsOf(text, pattern);
  return parts.map(({ start, end, isMatch }) => (isMatch ? content : text.slice(start, end))).join("");
}

/** Cuts a piece where a pattern matches (`isInverted`: where it does not), as `NormalizedString::split`; no piece is empty. */
export function splitPiece(piece: Piece, pattern: Pattern, behavior: Behavior, isInverted = false): Piece[] {
  let parts = partsOf(piece.text, pattern);
  if (isInverted) parts = parts.map((part) => ({ ...part, isMatch: !part.isMatch }));
  return joined(parts, behavior)
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => cut(piece, start, end));
}

/** A part of a piece. */
export const cut = ({ text, head }: Piece, start: number, end: number): Piece => ({
  text: text.slice(start, end),
  head: Math.max(0, Math.min(head, end) - start),
});

function joined(parts: Part[], behavior: Behavior): Part[] {
  switch (behavior) {
    case "Isolated":
      return parts;
    case "Removed":
      return parts.filter(({ isMatch }) => !isMatch);
    case "Contiguous":
      return joinRuns(parts, (isMatch, previous) => isMatch === previous);
    case "MergedWithPrevious":
      return joinRuns(parts, (isMatch, previous) => isMatch && !previous);
    case "MergedWithNext": {
      const back = parts
        .toReversed()
        .map(({ start, end, isMatch }) => ({ start: -end, end: -start, isMatch }));
      return joinRuns(back, (isMatch, previous) => isMatch && !previous)
        .map(({ start, end, isMatch }) => ({ start: -end, end: -start, isMatch }))
        .reverse();
    }
  }
}

/** Joins a part to the one before it where `joins` says so; before the first stands no match. */
function joinRuns(parts: readonly Part[], joins: (isMatch: boolean, previous: boolean) => boolean): Part[] {
  const runs: Part[] = [];
  let previous = false;
  for (const part of parts) {
    const last = runs.at(-1);
    if (last !== undefined && joins(part.isMatch, previous)) last.end = part.end;
    else runs.push({ ...part });
    previous = part.isMatch;
  }
  return runs;
}

/** A piece with a text in front, which counts as part of its first character. */
export const withPrefix = ({ text, head }: Piece, prefix: string): Piece => ({
  text: prefix + text,
  head: head === 0 ? 0 : head + prefix.length,
});
