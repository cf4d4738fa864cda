import { quote } from "../../checkpoint/problem.ts";
import { CLASS_ESCAPES, LONE_WORD, POSIX, propertyClass } from "./regex-classes.ts";

/** An escape: one character, or a class by its letter (`d`, upper case for all others) or its inside. */
export interface Escape {
  readonly literal?: string;
  readonly letter?: string;
  readonly inside?: string;
  readonly isNegated?: boolean;
}

/** A class that an escape stands for, outside of brackets. */
export function classOfLetter({ letter = "", inside, isNegated = false }: Escape): string {
  const lower = letter.toLowerCase();
  const members = inside ?? (lower === "w" ? LONE_WORD : CLASS_ESCAPES[lower]!);
  return `[${isNegated || lower !== letter ? "^" : ""}${members}]`;
}

const CONTROLS: Readonly<Record<string, string>> = {
  t: "\t",
  n: "\n",
  r: "\r",
  f: "\f",
  v: "\v",
  a: "\u0007",
  e: "\u001b",
};

/** Classes that hold with each letter also those that differ in case. */
const CLOSED_UNDER_CASE = new Set(
  ["L", "M", "N", "P", "Z", "Nd", "White_Space", "Alphabetic"].map((name) => `\\p{${name}}`),
);

/** A character for a pattern of JavaScript, in brackets or out of them. */
const escaped = (character: string): string =>
  /[A-Za-z0-9]/.test(character) ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`;

/** The characters that count as one without regard to case (simple folding; for letters of ASCII). */
function folded(character: string): string {
  if (!/[A-Za-z]/.test(character)) return escaped(character);
  const [lower, upper] = [character.toLowerCase(), character.toUpperCase()];
  const third = lower === "s" ? "\\u017f" : lower === "k" ? "\\u212a" : "";
  return `${lower}${upper}${third}`;
}

/** Deepest nesting of brackets; published patterns have 2. */
const MAX_BRACKETS = 20;

/** Reads the smallest parts of a pattern of Oniguruma: characters, escapes, and brackets. */
export class RegexReader {
  readonly #pattern: string;
  #at = 0;
  readonly refuse: (why: string) => never;

  constructor(pattern: string, refuse: (why: string) => never) {
    this.#pattern = pattern;
    this.refuse = refuse;
  }

  isAtEnd(): boolean {
    return this.#at >= this.#pattern.length;
  }

  sees(text: string): boolean {
    return this.#pattern.startsWith(text, this.#at);
  }

  ahead(length: number): string {
    return this.#pattern.slice(this.#at, this.#at + length);
  }

  take(text: string): boolean {
    if (!this.sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  /** Takes what a sticky pattern matches here. */
  takeMatch(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#pattern)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  next(): string {
    if (this.isAtEnd()) this.refuse("it ends too early");
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at)!);
    this.#at += character.length;
    return character;
  }

  literal(character: string, foldsCase: boolean): string {
    if (!foldsCase) return escaped(character);
    this.#requireFoldable(character);
    return /[A-Za-z]/.test(character) ? `[${folded(character)}]` : escaped(character);
  }

  /** `\…`, of one character or a class. */
  escape(foldsCase: boolean): Escape {
    const property = this.takeMatch(/\\[pP]\{\^?[^}]*\}/y);
    if (property !== undefined) return this.#property(property, foldsCase);
    const code = this.takeMatch(/\\(?:x\{[0-9A-Fa-f]{1,6}\}|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{1,2})/y);
    if (code !== undefined) return { literal: this.#codePoint(code) };
    this.take("\\");
    const character = this.next();
    if (/[dDsSwWhH]/.test(character)) return { letter: character };
    if (Object.hasOwn(CONTROLS, character)) return { literal: CONTROLS[character]! };
    if (/[A-Za-z0-9]/.test(character)) this.refuse(`\`\\${character}\` is not known`);
    return { literal: character };
  }

  /** A byte above 127 is no character of UTF-8, nor is a surrogate. */
  #codePoint(code: string): string {
    const value = parseInt(code.slice(2).replace("{", ""), 16);
    const isByte = /^\\x[^{]/.test(code) && value > 0x7f;
    if (isByte || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
      this.refuse(`${quote(code)} is no character`);
    return String.fromCodePoint(value);
  }

  #property(text: string, foldsCase: boolean): Escape {
    const isInverse = text[3] === "^";
    const name = text.slice(isInverse ? 4 : 3, -1);
    const inside = propertyClass(name);
    if (inside === undefined) return this.refuse(`the property ${quote(name)} is not known`);
    const isNegated = isInverse !== text.startsWith("\\P");
    if (foldsCase && !CLOSED_UNDER_CASE.has(inside))
      this.refuse(`the property ${quote(name)} stands in \`(?i)\``);
    // `\p{Word}` alone is `\w`.
    return inside === POSIX["word"] ? { letter: isNegated ? "W" : "w" } : { inside, isNegated };
  }

  /** `[…]` with all that stands in it. */
  bracket(foldsCase: boolean, isInNegated = false, depth = 0): string {
    if (depth > MAX_BRACKETS) this.refuse(`brackets stand more than ${MAX_BRACKETS} deep in brackets`);
    this.take("[");
    const negated = this.take("^") ? "^" : "";
    // Oniguruma 6.9 takes some of these for other classes than they say.
    if (isInNegated && negated !== "") this.refuse("`[^…]` stands in `[^…]`");
    const isNegated = isInNegated || negated !== "";
    const operands: string[] = [];
    let members = "";
    for (let isFirst = true; isFirst || !this.sees("]"); isFirst = false) {
      if (this.isAtEnd()) this.refuse("a `[` is not closed");
      if (this.take("&&")) {
        operands.push(members);
        members = "";
      } else members += this.#member(isFirst, foldsCase, isNegated, depth);
    }
    this.take("]");
    operands.push(members);
    if (operands.includes("")) this.refuse("one side of `&&` is empty");
    return operands.length === 1
      ? `[${negated}${members}]`
      : `[${negated}${operands.map((operand) => `[${operand}]`).join("&&")}]`;
  }

  #member(isFirst: boolean, foldsCase: boolean, isNegated: boolean, depth: number): string {
    const posix = this.takeMatch(/\[:\^?[A-Za-z]+:\]/y);
    if (posix !== undefined) return this.#posix(posix, foldsCase);
    if (this.sees("["))
      return foldsCase
        ? this.refuse("brackets stand in brackets in `(?i)`")
        : this.bracket(false, isNegated, depth + 1);
    const from = this.#setCharacter(isFirst, foldsCase);
    if (from.literal === undefined) return this.#setClass(from);
    if (!this.sees("-") || this.sees("-]") || this.sees("-&&")) return this.#one(from.literal, foldsCase);
    this.take("-");
    if (this.sees("[")) this.refuse("a range ends with a `[`");
    const to = this.#setCharacter(false, foldsCase);
    if (to.literal === undefined) return this.refuse("a range ends with a class");
    return this.#range(from.literal, to.literal, foldsCase);
  }

  #posix(text: string, foldsCase: boolean): string {
    const isNegated = text[2] === "^";
    const inside = Object.hasOwn(POSIX, text.slice(isNegated ? 3 : 2, -2))
      ? POSIX[text.slice(isNegated ? 3 : 2, -2)]!
      : this.refuse(`the class ${quote(text)} is not known`);
    if (foldsCase && !CLOSED_UNDER_CASE.has(inside))
      this.refuse(`the class ${quote(text)} stands in \`(?i)\``);
    return isNegated ? `[^${inside}]` : inside;
  }

  /** A class within brackets, after which a `-` stands for itself only at the end. */
  #setClass({ letter = "", inside, isNegated = false }: Escape): string {
    if (this.sees("-") && !this.sees("-]")) this.refuse("a range begins with a class");
    const lower = letter.toLowerCase();
    const members = inside ?? CLASS_ESCAPES[lower]!;
    return isNegated || lower !== letter ? `[^${members}]` : members;
  }

  #setCharacter(isFirst: boolean, foldsCase: boolean): Escape {
    if (this.sees("\\")) return this.escape(foldsCase);
    const character = this.next();
    return character === "]" && !isFirst ? this.refuse("a range ends with a `]`") : { literal: character };
  }

  #one(character: string, foldsCase: boolean): string {
    if (!foldsCase) return escaped(character);
    this.#requireFoldable(character);
    return folded(character);
  }

  #range(from: string, to: string, foldsCase: boolean): string {
    const [first, last] = [from.codePointAt(0)!, to.codePointAt(0)!];
    if (first > last) this.refuse(`the range ${quote(`${from}-${to}`)} goes backwards`);
    if (!foldsCase) return `${escaped(from)}-${escaped(to)}`;
    if (last > 0x7f) this.refuse(`the range ${quote(`${from}-${to}`)} stands in \`(?i)\``);
    return Array.from({ length: last - first + 1 }, (_, index) =>
      folded(String.fromCharCode(first + index)),
    ).join("");
  }

  /** Without regard to case only letters of ASCII are known to fold as Oniguruma folds them. */
  #requireFoldable(character: string): void {
    if (!/^[\u0000-\u007f]$/.test(character) && /[\p{L}\p{M}\p{N}\p{S}]/u.test(character))
      this.refuse(`${quote(character)} stands in \`(?i)\``);
  }
}
