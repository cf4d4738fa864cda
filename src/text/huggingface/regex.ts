import { quote } from "../../checkpoint/problem.ts";
import { classOfLetter, RegexReader } from "./regex-reader.ts";
import { Unreadable } from "./section.ts";

/**
 * A pattern of Oniguruma (as Hugging Face's `tokenizers` has it: Ruby's syntax, no options) as one of JavaScript that
 * matches the same texts; `where` names it in messages. A construct that is not known to mean the same is refused.
 *
 * Both backtrack and take the first way that matches. What JavaScript lacks is written with what it has: an atomic group
 * is a lookahead that is read again, `(?i:…)` (letters of ASCII only) lists the letters that count as one.
 */
export function compileRegex(pattern: string, where: string): RegExp {
  const refused = (why: string): never => {
    throw new Unreadable(
      `${quote(where)}: the pattern ${quote(pattern)} cannot be read: ${why}`,
      "write the pattern without it, in a way that matches the same texts",
    );
  };
  const translator = new Translator(pattern, refused);
  const source = translator.all();
  try {
    return new RegExp(source, "gv");
  } catch {
    return refused("JavaScript has no such pattern");
  }
}

/** A text as it stands. */
export const literalRegex = (text: string): RegExp =>
  new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), "gv");

const START = "(?<![\\s\\S])";
const END = "(?![\\s\\S])";

/** Places in a text, by what Ruby writes for them. */
const PLACES: Readonly<Record<string, string>> = {
  A: START,
  z: END,
  Z: `(?=\\n?${END})`,
};

/** What begins a group that does nothing but look, or hold together. */
const GROUPS: readonly (readonly [string, string])[] = [
  ["(?:", "(?:"],
  ["(?=", "(?="],
  ["(?!", "(?!"],
  ["(?<=", "(?<="],
  ["(?<!", "(?<!"],
];

/** Letters that fold to several others: these runs would match one character too, and the other way round. */
const LONG_FOLDS = /ss|st|ff|fi|fl/i;

class Translator extends RegexReader {
  #atomicGroups = 0;
  #foldsCase = false;

  /** The whole pattern. */
  all(): string {
    if (this.take("(?i)")) this.#foldsCase = true;
    const source = this.#alternatives();
    return this.isAtEnd() ? source : this.refuse("a `)` closes nothing");
  }

  #alternatives(): string {
    const parts = [this.#sequence()];
    while (this.take("|")) parts.push(this.#sequence());
    return parts.join("|");
  }

  #sequence(): string {
    let source = "";
    let run = "";
    while (!this.isAtEnd() && !this.sees("|") && !this.sees(")")) {
      const { text, literal, isPlace } = this.#atom();
      run = literal === undefined ? "" : run + literal;
      if (this.#foldsCase && LONG_FOLDS.test(run))
        this.refuse(`\`(?i)\` would take one character for ${quote(run.slice(-3))}`);
      const quantified = this.#quantified(text, isPlace === true);
      if (quantified !== text) run = "";
      source += quantified;
    }
    return source;
  }

  #quantified(atom: string, isPlace: boolean): string {
    const quantifier = this.#quantifier();
    if (quantifier === "") return atom;
    if (isPlace) this.refuse("a place in a text is repeated");
    // Ruby: `?+`, `*+` and `++` give nothing back; `{2}+` is a repetition of a repetition.
    const isBraces = quantifier.startsWith("{");
    let source = `${atom}${quantifier}`;
    if (this.take("+")) source = isBraces ? `(?:${source})+` : this.#atomic(source);
    else if (this.take("?")) {
      if (/^\{\d+\}$/.test(quantifier)) this.refuse("`{n}?` is read in two ways");
      source += "?";
    }
    if (this.#quantifier() !== "") this.refuse("a repetition is repeated");
    return source;
  }

  #quantifier(): string {
    const simple = ["*", "+", "?"].find((mark) => this.take(mark));
    if (simple !== undefined) return simple;
    const braces = this.takeMatch(/\{(?:\d+(?:,\d*)?|,\d+)\}/y);
    if (braces === undefined) return "";
    const bounds = braces.slice(1, -1).split(",");
    const [least = "", most = least] = bounds;
    if (most !== "" && Number(most) < Number(least)) this.refuse(`${quote(braces)} counts backwards`);
    if (Math.max(Number(least), Number(most)) > 100_000) this.refuse(`${quote(braces)} counts too far`);
    return braces.replace("{,", "{0,");
  }

  #atom(): { readonly text: string; readonly literal?: string; readonly isPlace?: boolean } {
    if (this.sees("(")) return this.#group();
    if (this.sees("[")) return { text: this.bracket(this.#foldsCase) };
    if (this.take(".")) return { text: "[^\\n]" };
    if (this.take("^")) return { text: `(?:${START}|(?<=\\n)(?!${END}))`, isPlace: true };
    if (this.take("$")) return { text: `(?=\\n|${END})`, isPlace: true };
    if (this.sees("\\")) return this.#escape();
    const character = this.next();
    if ("*+?".includes(character)) this.refuse(`${quote(character)} repeats nothing`);
    return { text: this.literal(character, this.#foldsCase), literal: character };
  }

  #escape(): { readonly text: string; readonly literal?: string; readonly isPlace?: boolean } {
    const place = this.takeMatch(/\\[AzZ]/y);
    if (place !== undefined) return { text: PLACES[place[1]!]!, isPlace: true };
    const boundary = this.takeMatch(/\\[bB]/y);
    if (boundary !== undefined) return { text: wordBoundary(boundary === "\\b"), isPlace: true };
    const escaped = this.escape(this.#foldsCase);
    return escaped.literal === undefined
      ? { text: classOfLetter(escaped) }
      : { text: this.literal(escaped.literal, this.#foldsCase), literal: escaped.literal };
  }

  #group(): { readonly text: string; readonly isPlace?: boolean } {
    if (this.takeMatch(/\(\?#[^)]*\)/y) !== undefined) return { text: "", isPlace: true };
    const before = this.#foldsCase;
    const known = GROUPS.find(([opens]) => this.take(opens));
    const isAtomic = known === undefined && this.take("(?>");
    if (known === undefined && !isAtomic) {
      if (this.take("(?i:")) this.#foldsCase = true;
      else if (this.take("(?-i:")) this.#foldsCase = false;
      else if (this.takeMatch(/\(\?<[A-Za-z_]\w*>/y) === undefined && !this.#takeCapture())
        this.refuse(`the group ${quote(this.ahead(5))} is not known`);
    }
    const inner = this.#alternatives();
    if (!this.take(")")) this.refuse("a `(` is not closed");
    this.#foldsCase = before;
    if (isAtomic) return { text: this.#atomic(inner) };
    const isPlace = known !== undefined && known[0] !== "(?:";
    return { text: `${known?.[1] ?? "(?:"}${inner})`, isPlace };
  }

  /** `(`, which catches what nobody reads, as there are no references. */
  #takeCapture(): boolean {
    return !this.sees("(?") && this.take("(");
  }

  /** Takes the first way in which `source` matches, and no other. */
  #atomic(source: string): string {
    const name = `a${this.#atomicGroups++}`;
    return `(?:(?=(?<${name}>${source}))\\k<${name}>)`;
  }
}

/** Between a character of a word and none (`\b`), or not (`\B`). */
function wordBoundary(isBoundary: boolean): string {
  const word = classOfLetter({ letter: "w" });
  const [start, end] = [`(?<!${word})`, `(?<=${word})`];
  return isBoundary
    ? `(?:${start}(?=${word})|${end}(?!${word}))`
    : `(?:${start}(?!${word})|${end}(?=${word}))`;
}
