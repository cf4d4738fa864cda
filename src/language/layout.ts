import type { Diagnostic } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/source.ts";
import type { Comment } from "./ast.ts";
import { Brackets } from "./brackets.ts";
import { classOf } from "./characters.ts";
import { endsStatement, divisorIn, startsDefinition } from "./lines.ts";
import { applyEdits, type Edit } from "./edits.ts";
import * as errors from "./errors/layout.ts";
import { Report } from "./report.ts";

/** Stands in the text of a layout where something is broken: a statement that holds it has been reported already. */
export const POISON = "\u0000";

/** A text made ready for the grammar, which needs to know nothing of comments and line ends. */
export interface Layout {
  /**
   * As long as the source, so that offsets stay: comments, and newlines that end no statement, are blanks; what is
   * broken is `POISON`.
   */
  readonly text: string;
  /** From the offset of each `{` to that of its `}`. */
  readonly braces: ReadonlyMap<number, number>;
  readonly comments: readonly Comment[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * One walk over the text, linear in its length whatever it holds: drops comments and the newlines that end nothing,
 * matches brackets, closes texts, and rejects characters that may stand in comments and texts only.
 */
export function layOut(source: Source): Layout {
  return new Walk(source).run();
}

class Walk {
  readonly #source: Source;
  readonly #text: string;
  readonly #report = new Report();
  readonly #comments: Comment[] = [];
  /** Comments that may have been meant to divide. */
  readonly #divisors: { readonly word: string; readonly span: Span }[] = [];
  /** Ranges that become blanks, or poison; sorted when the text is put together. */
  readonly #edits: Edit[] = [];
  readonly #brackets: Brackets;
  #at = 0;
  /** The last character that is neither blank nor comment; -1 at first. */
  #last = -1;
  #lineStart = 0;
  /** The first character of the line that is neither blank nor comment. */
  #lineFirst = -1;
  /** Up to here the line is broken and known to be: nothing more is said of its characters and texts. */
  #brokenUntil = 0;

  constructor(source: Source) {
    this.#source = source;
    this.#text = source.text;
    this.#brackets = new Brackets(source, this.#report, (at) => this.#poison(at, at + 1));
  }

  run(): Layout {
    if (this.#text.startsWith("\uFEFF")) this.#blank(0, ++this.#at);
    this.#refuseLoneReturns();
    while (this.#at < this.#text.length) this.#step();
    this.#brackets.closeAll(this.#text.length);
    const edits = [...this.#edits, ...this.#brackets.dropped.map((range) => ({ ...range, fill: " " }))];
    const text = applyEdits(this.#text, edits);
    this.#warnOfDivisors(text);
    return {
      text,
      braces: this.#brackets.braces,
      comments: this.#comments,
      diagnostics: this.#report.diagnostics,
    };
  }

  /** Editors, and the protocol of language servers, begin a line after one: what a reader sees below would stand in a comment. */
  #refuseLoneReturns(): void {
    const spans = [...this.#text.matchAll(/\r(?!\n)/g)].map(({ index }) => this.#span(index, index + 1));
    if (spans.length > 0) this.#report.add(errors.loneReturns(spans));
  }

  #step(): void {
    const at = this.#at;
    const kind = classOf(this.#text, at);
    if (kind === "blank") this.#at++;
    else if (kind === "newline") this.#endLine();
    else if (this.#text.startsWith("//", at)) this.#comment();
    else {
      if (this.#last < this.#lineStart) this.#lineFirst = at;
      this.#at++;
      if (kind === "open") this.#brackets.open(at, this.#indent());
      else if (kind === "close") this.#brackets.close(at, at === this.#lineFirst, this.#indent());
      else if (kind === "quote") this.#quote(at);
      else if (kind === "semicolon") this.#brackets.endStatement(at);
      else if (kind === "odd") this.#odd(at);
      this.#last = at;
    }
  }

  #indent(): number {
    return this.#lineFirst - this.#lineStart;
  }

  /** Takes all line ends up to the next character that counts, and drops them if they end nothing. */
  #endLine(): void {
    const start = this.#at;
    const edits = this.#edits.length;
    while (this.#at < this.#text.length) {
      const kind = classOf(this.#text, this.#at);
      if (kind === "newline") this.#lineStart = ++this.#at;
      else if (kind === "blank") this.#at++;
      else if (this.#text.startsWith("//", this.#at)) this.#comment();
      else break;
    }
    if (this.#at === this.#lineStart && startsDefinition(this.#text, this.#at))
      this.#brackets.closeAll(this.#at);
    else if (this.#goesOn()) this.#edits.splice(edits, Infinity, { start, end: this.#at, fill: " " });
    else this.#brackets.startStatement(this.#at);
  }

  #goesOn(): boolean {
    if (this.#brackets.inParentheses(this.#at)) return true;
    return !endsStatement(this.#text, this.#brackets.statement, this.#last, this.#at);
  }

  #comment(): void {
    const start = this.#at;
    const newline = this.#text.indexOf("\n", start);
    this.#at = newline < 0 ? this.#text.length : newline;
    const end = this.#text[this.#at - 1] === "\r" ? this.#at - 1 : this.#at;
    this.#comments.push({ span: this.#span(start, end) });
    this.#blank(start, end);
    const divisor = this.#last < this.#lineStart ? undefined : divisorIn(this.#text, this.#last, start, end);
    if (divisor !== undefined) this.#divisors.push({ word: divisor, span: this.#span(start, end) });
  }

  /** A divisor is a number, or a name that the file has elsewhere; other words are comments. */
  #warnOfDivisors(code: string): void {
    if (this.#divisors.length === 0) return;
    const words = new Set(code.match(/[A-Za-z_]\w*/g));
    for (const { word, span } of this.#divisors)
      if (/^\d/.test(word) || words.has(word)) this.#report.add(errors.commentLooksLikeDivision(span));
  }

  #quote(at: number): void {
    if (at < this.#brokenUntil) {
      this.#poison(at, at + 1);
      return;
    }
    let end = at + 1;
    while (end < this.#text.length && this.#text[end] !== '"' && this.#text[end] !== "\n")
      end += this.#text[end] === "\\" && this.#text[end + 1] !== "\n" ? 2 : 1;
    if (this.#text[end] === '"') {
      this.#at = end + 1;
      return;
    }
    this.#report.add(errors.textNotClosed(this.#span(at, this.#lineEnd())));
    this.#poison(at, at + 1);
    this.#brokenUntil = this.#lineEnd();
  }

  #odd(at: number): void {
    const character = String.fromCodePoint(this.#text.codePointAt(at)!);
    this.#at = at + character.length;
    this.#poison(at, this.#at);
    if (at >= this.#brokenUntil) this.#report.add(errors.oddCharacter(this.#span(at, this.#at), character));
    this.#brokenUntil = Math.max(this.#brokenUntil, this.#lineEnd());
    if (character !== "#") return;
    // Most likely meant as a comment: its brackets and quotes count as little as those of one.
    this.#blank(this.#at, this.#brokenUntil);
    this.#at = this.#brokenUntil;
  }

  #lineEnd(): number {
    const newline = this.#text.indexOf("\n", this.#at);
    const end = newline < 0 ? this.#text.length : newline;
    return this.#text[end - 1] === "\r" ? end - 1 : end;
  }

  #blank(start: number, end: number): void {
    this.#edits.push({ start, end, fill: " " });
  }

  #poison(start: number, end: number): void {
    this.#edits.push({ start, end, fill: POISON });
  }

  #span(start: number, end: number): Span {
    return { source: this.#source, start, end };
  }
}
