import type { Diagnostic } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/source.ts";
import * as errors from "./errors/layout.ts";
import { startsStatement } from "./lines.ts";
import type { Report } from "./report.ts";

/** How deep brackets may nest: far beyond what a model needs, well within what a parser's stack can take. */
export const MAX_DEPTH = 48;

interface Open {
  readonly at: number;
  readonly character: string;
  /** Indentation of the line it stands on. */
  readonly indent: number;
  /** Where the statement starts that it is part of. */
  readonly statement: number;
  readonly tooDeep: boolean;
}

const closerOf: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** The brackets of a text as it is walked: which closes which, and whom to blame for one that is left over. */
export class Brackets {
  readonly braces = new Map<number, number>();
  /** Ranges to blank: text after a definition that closed too early, known to be broken. */
  readonly dropped: { readonly start: number; readonly end: number }[] = [];
  /** Where the innermost statement starts. */
  statement = 0;
  readonly #source: Source;
  readonly #report: Report;
  readonly #poison: (at: number) => void;
  #open: Open[] = [];
  #tooDeep = false;
  /** A `{` whose `}` stands further left than the line of the `{`: if one is missing, it is this one's. */
  #suspect: Open | undefined;
  #lastTopClose = -1;

  constructor(source: Source, report: Report, poison: (at: number) => void) {
    this.#source = source;
    this.#report = report;
    this.#poison = poison;
  }

  open(at: number, indent: number): void {
    const character = this.#source.text[at]!;
    if (character === "{") this.#closeParentheses(at);
    const tooDeep = this.#open.length >= MAX_DEPTH;
    if (tooDeep) this.#refuseDepth(at);
    this.#open.push({ at, character, indent, statement: this.statement, tooDeep });
    if (character === "{") this.statement = at + 1;
  }

  close(at: number, first: boolean, indent: number): void {
    const character = this.#source.text[at]!;
    if (character === "}") this.#closeParentheses(at);
    if (this.#open.at(-1)?.tooDeep === true) {
      this.#poison(at);
      this.statement = this.#open.pop()!.statement;
      return;
    }
    if (character !== "}") {
      this.#closeParenthesis(at, character);
      return;
    }
    const top = this.#open.pop();
    if (top === undefined) {
      this.#strayCloser(at);
      return;
    }
    this.braces.set(top.at, at);
    this.statement = top.statement;
    if (first && indent < top.indent) this.#suspect ??= top;
    if (this.#open.length === 0) this.#endDefinition(at);
  }

  endStatement(at: number): void {
    const top = this.#open.at(-1);
    if (top === undefined || top.character === "{") {
      this.startStatement(at + 1);
      return;
    }
    this.#report.add(errors.semicolonInBrackets(this.#span(at), this.#span(top.at), top.character));
    this.#poison(at);
  }

  startStatement(at: number): void {
    this.statement = at;
  }

  /** Whether a newline before `next` stands in `(` or `[`. A line that cannot stand there closes them, as an error. */
  inParentheses(next: number): boolean {
    const top = this.#open.at(-1);
    if (top === undefined || top.character === "{") return false;
    if (!startsStatement(this.#source.text, next)) return true;
    this.#closeParentheses(next);
    return false;
  }

  /** At the end of the file, or where a definition starts: all that is open should have been closed. */
  closeAll(at: number): void {
    const [outermost] = this.#open;
    if (outermost !== undefined) {
      const culprit = this.#suspect ?? this.#open.at(-1)!;
      if (!this.#open.some((bracket) => bracket.tooDeep)) this.#report.add(this.#neverClosed(culprit));
      // The newline before `at` must stay outside of the broken definition, or the next one would be part of it.
      if (outermost.character === "{") this.braces.set(outermost.at, Math.max(outermost.at, at - 2));
      this.#poison(outermost.statement);
      this.#endDefinition(at - 1);
    }
    this.#open = [];
    this.statement = at;
  }

  #endDefinition(at: number): void {
    this.#suspect = undefined;
    this.#lastTopClose = at;
    this.statement = at + 1;
  }

  #refuseDepth(at: number): void {
    if (!this.#tooDeep) this.#report.add(errors.tooDeep(this.#span(at), MAX_DEPTH));
    this.#tooDeep = true;
    this.#poison(at);
  }

  /** Braces stand in no parentheses: what is open at a brace was never closed. */
  #closeParentheses(at: number): void {
    const brace = this.#open.findLastIndex((bracket) => bracket.character === "{");
    const [first] = this.#open.splice(brace + 1);
    if (first === undefined) return;
    if (!first.tooDeep) this.#report.add(this.#neverClosed(first, at));
    this.#poison(first.at);
  }

  #closeParenthesis(at: number, character: string): void {
    const top = this.#open.at(-1);
    if (top === undefined || top.character === "{") {
      this.#strayCloser(at);
      return;
    }
    const brace = this.#open.findLastIndex((bracket) => bracket.character === "{");
    const own = this.#open.findLastIndex((bracket) => closerOf[bracket.character] === character);
    if (own > brace && top !== this.#open[own]) {
      this.#report.add(this.#neverClosed(top, at));
      this.#poison(top.at);
    } else if (own <= brace) {
      this.#report.add(
        errors.wrongCloser(this.#span(at), character, this.#span(top.at), closerOf[top.character]!),
      );
      this.#poison(at);
    }
    this.#open.splice(own > brace ? own : -1);
  }

  #strayCloser(at: number): void {
    const character = this.#source.text[at]!;
    const isEarly = character === "}" && this.#source.text[this.#lastTopClose] === "}";
    const early = isEarly ? this.#span(this.#lastTopClose) : undefined;
    this.#report.add(errors.closesNothing(this.#span(at), character, early));
    if (character !== "}") {
      this.#poison(at);
      return;
    }
    this.dropped.push({ start: this.#lastTopClose + 1, end: at + 1 });
    this.#lastTopClose = at;
  }

  #neverClosed(bracket: Open, before?: number): Diagnostic {
    const found = before === undefined ? undefined : this.#span(before);
    return errors.neverClosed(this.#span(bracket.at), bracket.character, closerOf[bracket.character]!, found);
  }

  #span(at: number): Span {
    return { source: this.#source, start: at, end: at + 1 };
  }
}
