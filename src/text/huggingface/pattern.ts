import type { Match } from "./regex-search.ts";

/** Looks through a text: a function that finds the first match at a place or behind it, asked from left to right. */
export type Pattern = (text: string) => (from: number) => Match | undefined;

/** What a pattern of JavaScript (with the flag g) finds; for patterns that never take long. */
export const patternOf =
  (regex: RegExp): Pattern =>
  (text) =>
  (from) => {
    regex.lastIndex = from;
    const found = regex.exec(text);
    return found === null ? undefined : { start: found.index, end: found.index + found[0].length };
  };

/** A text as it stands. */
export const literalPattern = (text: string): Pattern =>
  patternOf(new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gv"));
