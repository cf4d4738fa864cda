import type { FailedMatchResult } from "ohm-js";
import type { Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import type { Rule } from "../grammar.ts";
import type { Piece } from "../pieces.ts";
import { tokenize, type Token } from "../tokens.ts";

/** Ohm's types leave the list of failures out. */
type WithFailures = FailedMatchResult & { getRightmostFailures(): readonly { getText(): string }[] };

/** Knows one way to get a statement wrong, and what to say of it. */
export type Recognizer = (failure: Failure) => Diagnostic | undefined;

/** A statement that does not match the grammar, as tokens around the place where the match got stuck. */
export class Failure {
  readonly piece: Piece;
  readonly rule: Rule;
  readonly tokens: readonly Token[];
  /** Of the token that could not be taken; as many as there are tokens if something is missing at the end. */
  readonly index: number;
  readonly #wanted: ReadonlySet<string>;

  constructor(piece: Piece, rule: Rule, result: FailedMatchResult) {
    const at = result.getRightmostFailurePosition();
    this.piece = piece;
    this.rule = rule;
    this.tokens = tokenize(piece.text);
    const index = this.tokens.findIndex((token) => token.end > at);
    this.index = index < 0 ? this.tokens.length : index;
    const failures = (result as WithFailures).getRightmostFailures();
    this.#wanted = new Set(failures.map((failure) => failure.getText()));
  }

  get found(): Token | undefined {
    return this.tokens[this.index];
  }

  get before(): Token | undefined {
    return this.tokens[this.index - 1];
  }

  /** The word that the statement begins with. */
  get first(): string {
    return this.tokens[0]?.text ?? "";
  }

  /** What was found, for a message. */
  get shown(): string {
    return this.found === undefined ? "the end of the statement" : quote(this.found);
  }

  /** Where it was found. */
  get place(): Span {
    const end = this.piece.text.length;
    return this.found === undefined ? this.piece.span(end, end) : this.span(this.found);
  }

  /** True if the grammar would have taken this: a terminal, or the description of a rule. */
  wants(text: string): boolean {
    return this.#wanted.has(text);
  }

  span(first: Token, last = first): Span {
    return this.piece.span(first.start, last.end);
  }

  /** The text from one token to another, for a suggestion; shortened if it is long. */
  text(first: number, last: number): string {
    const from = this.tokens[first]?.start ?? 0;
    const to = this.tokens[last]?.end ?? this.piece.text.length;
    const text = this.piece.text.slice(from, to).replace(/\s+/g, " ");
    return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
  }

  /** The index of the innermost bracket that is open before a token, or -1. */
  openBracket(before = this.index): number {
    let closed = 0;
    for (let index = before - 1; index >= 0; index--) {
      const { text } = this.tokens[index]!;
      if (isCloser(text)) closed++;
      else if (isOpener(text) && closed-- === 0) return index;
    }
    return -1;
  }

  /** True if the innermost open bracket holds the arguments of a call. */
  get inArguments(): boolean {
    const open = this.openBracket();
    const caller = this.tokens[open - 1];
    return this.tokens[open]?.text === "(" && caller?.kind === "word" && this.rule !== "TopLevel";
  }

  /** The index where the chain that leads to a token starts: after a bracket, a comma, a sign or a word. */
  chainStart(before = this.index): number {
    let closed = 0;
    for (let index = before - 1; index >= 0; index--) {
      const { text } = this.tokens[index]!;
      if (isCloser(text)) closed++;
      else if (isOpener(text) && closed-- === 0) return index + 1;
      else if (closed === 0 && startsChain.has(text)) return index + 1;
    }
    return 0;
  }

  /** The index of the last token of what stands beside a token: before a bracket that closes, a comma or a brace. */
  chainEnd(from = this.index): number {
    let open = 0;
    for (let index = from; index < this.tokens.length; index++) {
      const { text } = this.tokens[index]!;
      if (isOpener(text) && text !== "{") open++;
      else if (open === 0 && (isCloser(text) || text === "," || text === "{")) return index - 1;
      else if (isCloser(text)) open--;
    }
    return this.tokens.length - 1;
  }
}

const startsChain = new Set([",", "=", "skip", "branch", "from", "loss", "metric"]);
const isOpener = (text: string): boolean => text === "(" || text === "[" || text === "{";
const isCloser = (text: string): boolean => text === ")" || text === "]" || text === "}";

export const quote = (token: Token): string =>
  token.kind === "text" && token.text.length > 20 ? "a text" : `\`${token.text}\``;

/** A token that a value or a layer can end with. */
export const endsValue = (token: Token | undefined): boolean =>
  token !== undefined &&
  !isInfix(token) &&
  (token.kind !== "symbol" || token.text === ")" || token.text === "]");

/** A token that a value or a layer can start with. */
export const startsValue = (token: Token | undefined): boolean =>
  token !== undefined &&
  !isInfix(token) &&
  (token.kind !== "symbol" || token.text === "(" || token.text === "[");

const isInfix = (token: Token): boolean => /^(?:if|else|as|and|or)$/.test(token.text);
