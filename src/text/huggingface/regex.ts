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

const START = "^";
const END = "$";

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

/** A part of a pattern of JavaScript. */
interface Part {
  readonly source: string;
  /** Whether it can match without taking a character; JavaScript and Oniguruma differ in how such a part is repeated. */
  readonly mayBeEmpty: boolean;
}

/** What a repetition may follow. */
interface Atom extends Part {
  readonly literal?: string;
  /** It looks around and takes nothing. */
  readonly isPlace?: boolean;
}

const character = (source: string): Atom => ({ source, mayBeEmpty: false });
const place = (source: string): Atom => ({ source, mayBeEmpty: true, isPlace: true });

class Translator extends RegexReader {
  #atomicGroups = 0;
  #foldsCase = false;

  /** The whole pattern. */
  all(): string {
    if (this.take("(?i)")) this.#foldsCase = true;
    const { source } = this.#alternatives();
    return this.isAtEnd() ? source : this.refuse("a `)` closes nothing");
  }

  #alternatives(): Part {
    const parts = [this.#sequence()];
    while (this.take("|")) parts.push(this.#sequence());
    return {
      source: parts.map(({ source }) => source).join("|"),
      mayBeEmpty: parts.some(({ mayBeEmpty }) => mayBeEmpty),
    };
  }

  #sequence(): Part {
    let source = "";
    let mayBeEmpty = true;
    let run = "";
    while (!this.isAtEnd() && !this.sees("|") && !this.sees(")")) {
      const atom = this.#atom();
      run = atom.literal === undefined ? "" : run + atom.literal;
      if (this.#foldsCase && LONG_FOLDS.test(run))
        this.refuse(`\`(?i)\` would take one character for ${quote(run.slice(-3))}`);
      const part = this.#quantified(atom);
      if (part !== atom) run = "";
      source += part.source;
      mayBeEmpty &&= part.mayBeEmpty;
    }
    return { source, mayBeEmpty };
  }

  #quantified(atom: Atom): Part {
    const quantifier = this.#quantifier();
    if (quantifier === "") return atom;
    if (atom.isPlace === true) this.refuse("a place in a text is repeated");
    if (atom.mayBeEmpty) this.refuse("what may be empty is repeated");
    // Ruby: `?+`, `*+` and `++` give nothing back; `{2}+` is a repetition of a repetition.
    const isBraces = quantifier.startsWith("{");
    let source = `${atom.source}${quantifier}`;
    if (this.take("+")) source = isBraces ? `(?:${source})+` : this.#atomic(source);
    else if (this.take("?")) {
      if (/^\{\d+\}$/.test(quantifier)) this.refuse("`{n}?` is read in two ways");
      source += "?";
    }
    if (this.#quantifier() !== "") this.refuse("a repetition is repeated");
    return { source, mayBeEmpty: /^(?:[*?]|\{0*,|\{0+[,}])/.test(quantifier) };
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

  #atom(): Atom {
    if (this.sees("(")) return this.#group();
    if (this.sees("[")) return character(this.bracket(this.#foldsCase));
    if (this.take(".")) return character("[^\\n]");
    if (this.take("^")) return place(`(?:${START}|(?<=\\n)(?!${END}))`);
    if (this.take("$")) return place(`(?=\\n|${END})`);
    if (this.sees("\\")) return this.#escape();
    const literal = this.next();
    if ("*+?".includes(literal)) this.refuse(`${quote(literal)} repeats nothing`);
    return { ...character(this.literal(literal, this.#foldsCase)), literal };
  }

  #escape(): Atom {
    const fixed = this.takeMatch(/\\[AzZ]/y);
    if (fixed !== undefined) return place(PLACES[fixed[1]!]!);
    const boundary = this.takeMatch(/\\[bB]/y);
    if (boundary !== undefined) return place(wordBoundary(boundary === "\\b"));
    const escaped = this.escape(this.#foldsCase);
    const { literal } = escaped;
    return literal === undefined
      ? character(classOfLetter(escaped))
      : { ...character(this.literal(literal, this.#foldsCase)), literal };
  }

  #group(): Atom {
    if (this.takeMatch(/\(\?#[^)]*\)/y) !== undefined) return place("");
    const before = this.#foldsCase;
    const known = GROUPS.find(([opens]) => this.take(opens));
    const isAtomic = known === undefined && this.take("(?>");
    if (known === undefined && !isAtomic) {
      if (this.take("(?i:")) this.#foldsCase = true;
      else if (this.take("(?-i:")) this.#foldsCase = false;
      else if (this.takeMatch(/\(\?<[A-Za-z_]\w*>/y) === undefined && !this.#takeCapture())
        this.refuse(`the group ${quote(this.ahead(5))} is not known`);
    }
    const { source, mayBeEmpty } = this.#alternatives();
    if (!this.take(")")) this.refuse("a `(` is not closed");
    this.#foldsCase = before;
    if (isAtomic) return { source: this.#atomic(source), mayBeEmpty };
    if (known !== undefined && known[0] !== "(?:") return place(`${known[1]}${source})`);
    return { source: `(?:${source})`, mayBeEmpty };
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
