import type { Source, Span } from "../support/source.ts";
import { POISON, type Layout } from "./layout.ts";

/** A body that a piece has folded: the offsets of its braces in the file. */
export interface Fold {
  readonly open: number;
  readonly close: number;
}

/** One statement cut out of a file, its inner bodies folded to `{}`, with the way back to the offsets of the file. */
export class Piece {
  readonly source: Source;
  readonly text: string;
  readonly folds: readonly Fold[];
  /** Where each stretch of the file starts in `text`, and in the file. */
  readonly #seams: readonly { readonly own: number; readonly file: number }[];

  constructor(source: Source, layout: Layout, start: number, end: number, folds: readonly Fold[]) {
    const parts: string[] = [];
    const seams: { own: number; file: number }[] = [];
    let own = 0;
    let file = start;
    for (const stop of [...folds.map((fold) => fold.open + 1), end]) {
      seams.push({ own, file });
      parts.push(layout.text.slice(file, stop));
      own += stop - file;
      file = folds[seams.length - 1]?.close ?? end;
    }
    this.source = source;
    this.text = parts.join("");
    this.folds = folds;
    this.#seams = seams;
  }

  /** True if something in it is broken and has been reported. */
  get broken(): boolean {
    return this.text.includes(POISON);
  }

  /** The offset in the file of an offset in `text`; O(log folds). */
  fileOffset(offset: number): number {
    let low = 0;
    let high = this.#seams.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#seams[middle]!.own <= offset) low = middle;
      else high = middle - 1;
    }
    const seam = this.#seams[low]!;
    return seam.file + offset - seam.own;
  }

  /** The span in the file of a range of `text`. */
  span(start: number, end: number): Span {
    const from = this.fileOffset(start);
    return { source: this.source, start: from, end: end > start ? this.fileOffset(end - 1) + 1 : from };
  }
}

/** Cuts a range of a file into statements; one at a time, so that no more than one is in memory. */
export function* cut(source: Source, layout: Layout, from: number, to: number): Generator<Piece> {
  const { text, braces } = layout;
  let start = from;
  let folds: Fold[] = [];
  for (let at = from; at <= to; at++) {
    const character = at < to ? text[at] : "\n";
    if (character === '"') at = closingQuote(text, at);
    else if (character === "{") {
      const close = braces.get(at) ?? at;
      folds.push({ open: at, close });
      at = close;
    } else if (character === "\n" || character === ";") {
      const piece = trimmed(source, layout, start, at, folds);
      if (piece !== undefined) yield piece;
      start = at + 1;
      folds = [];
    }
  }
}

function trimmed(
  source: Source,
  layout: Layout,
  start: number,
  end: number,
  folds: readonly Fold[],
): Piece | undefined {
  const isBlank = (at: number): boolean => " \t\r".includes(layout.text[at]!);
  while (start < end && isBlank(start)) start++;
  while (end > start && isBlank(end - 1)) end--;
  return start < end ? new Piece(source, layout, start, end, folds) : undefined;
}

function closingQuote(text: string, open: number): number {
  let at = open + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
