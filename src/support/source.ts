import { visible } from "./text.ts";

/** A text that spans point into: a `.lmg` file, an IR file, a standard block. */
export interface Source {
  /** As the user named it; shown in front of every message. */
  readonly name: string;
  readonly text: string;
}

/** Half-open range of offsets, in UTF-16 code units, of one source. */
export interface Span {
  readonly source: Source;
  readonly start: number;
  readonly end: number;
}

/** A position as people count it: line and column from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

const lineStartsOf = new WeakMap<Source, readonly number[]>();

function lineStarts(source: Source): readonly number[] {
  let starts = lineStartsOf.get(source);
  if (starts === undefined) {
    const found = [0];
    for (let i = source.text.indexOf("\n"); i >= 0; i = source.text.indexOf("\n", i + 1)) found.push(i + 1);
    starts = found;
    lineStartsOf.set(source, starts);
  }
  return starts;
}

/** Line and column of an offset; O(log lines) after the first call for a source. */
export function positionAt(source: Source, offset: number): Position {
  const starts = lineStarts(source);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: offset - starts[low]! + 1 };
}

/** The text of a line, counted from 1, without its line end. */
export function lineText(source: Source, line: number): string {
  const starts = lineStarts(source);
  const start = starts[line - 1] ?? source.text.length;
  const end = starts[line] === undefined ? source.text.length : starts[line] - 1;
  return source.text.slice(start, end).replace(/\r$/, "");
}

/** `file.lmg:3:7`, as every message and every listing names a place. */
export function showPlace(span: Span): string {
  const { line, column } = positionAt(span.source, span.start);
  return `${visible(span.source.name)}:${line}:${column}`;
}

/** The text that a span covers. */
export const spanText = (span: Span): string => span.source.text.slice(span.start, span.end);

/** The smallest span that covers both; they must be of one source. */
export const joinSpans = (a: Span, b: Span): Span => ({
  source: a.source,
  start: Math.min(a.start, b.start),
  end: Math.max(a.end, b.end),
});
