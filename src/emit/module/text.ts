import { smallest } from "../../support/lists.ts";
import type { Code } from "../../support/text.ts";
import { renderDim, type Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import { InternalError } from "../../support/invariant.ts";

/**
 * Emitted text is TypeScript with its types between « and »: `function relu(x«: number»)«: number» {`. Unwrapped it is
 * TypeScript, cut out it is JavaScript. Nothing else of a module holds these two characters.
 */
const annotation = /«([^«»]*)»/g;

/** Comments of declarations, on lines of their own. */
const documentation = /^ *\/\*\*(?:[^*]|\*(?!\/))*\*\/\n/gm;

/**
 * The module's text with types, or as plain JavaScript, which is for machines: what declarations are for is said in the form that
 * has types. A page loads a tenth less so.
 */
export function finishText(text: string, types: boolean): string {
  if (types) return text.replace(annotation, "$1");
  return text
    .replace(documentation, "")
    .split("\n")
    .map((line) => ({ line: line.replace(annotation, ""), isType: line.includes("«") }))
    .filter(({ line, isType }) => !isType || line.trim() !== "")
    .map(({ line }) => line)
    .join("\n");
}

/** Lines of which nothing is left in JavaScript: interfaces and type aliases. */
export const typesOnly = (lines: readonly string[]): string[] => lines.map((line) => `«${line}»`);

/** A fragment written as it stands, without the indentation that its lines share. */
export function fragment(strings: TemplateStringsArray, ...values: readonly never[]): string[] {
  if (values.length > 0) throw new InternalError("a fragment is whole: choose its variant outside");
  const lines = strings.raw[0]!.replace(/^\n/, "")
    .replace(/\n\s*$/, "")
    .split("\n");
  const indent = smallest(lines.filter((line) => line !== "").map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent));
}

export const block = (head: string, body: readonly Code[], tail = "}"): Code[] => [head, body, tail];

/** `for (let i = 0; i < n; i++) { … }`. */
export const forLoop = (index: string, end: string, body: readonly Code[]): Code[] =>
  block(`for (let ${index} = 0; ${index} < ${end}; ${index}++) {`, body);

/** A string literal. */
export const literal = (text: string): string =>
  JSON.stringify(text).replaceAll("«", "\\u00ab").replaceAll("»", "\\u00bb");

/** A text from outside as it may stand in a line comment. */
export const commentText = (text: string): string => text.replace(/[\r\n\u2028\u2029«»]+/g, " ");

/** A number as TypeScript writes it; a negative one in parentheses, so that it may follow an operator. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "(-Infinity)";
  if (Object.is(value, -0)) return "(-0)";
  const plain = String(value);
  const exponential = value.toExponential();
  const text = exponential.length < plain.length ? exponential : plain;
  return value < 0 ? `(${text})` : text;
}

/** A sum of index terms; those that are 0 are left out. */
export const sumText = (...terms: readonly string[]): string =>
  terms.filter((term) => term !== "0").join(" + ") || "0";

/** Widest line that a call or a parameter list takes before it is broken. */
export const WIDTH = 110;

/** A list between a head and a tail: on one line, or packed into lines of its own. */
export function wrapped(head: string, items: readonly string[], tail: string, width = WIDTH): Code[] {
  const whole = `${head}${items.join(", ")}${tail}`;
  if (shownLength(whole) <= width) return [whole];
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && shownLength(last) + shownLength(item) + 4 <= width)
      lines[lines.length - 1] = `${last} ${item},`;
    else lines.push(`${item},`);
  }
  return [head, lines, tail];
}

/** Without the marks around types. */
const shownLength = (text: string): number => text.replace(/[«»]/g, "").length;

/** A word that TypeScript takes as a name, near to the text. */
export function identifier(text: string): string {
  const word = text.replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+|_+$/g, "");
  return /^[A-Za-z_]/.test(word) ? word : `_${word}`;
}

/** Names that are given once each; a second wish for a name gets a number. */
export class Names {
  readonly #taken: Set<string>;
  readonly #counts = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  give(wish: string): string {
    let name = wish;
    for (let count = this.#counts.get(wish) ?? 0; this.#taken.has(name);) {
      count++;
      this.#counts.set(wish, count);
      name = `${wish}_${count}`;
    }
    this.#taken.add(name);
    return name;
  }
}

/** The size as an expression; `symbol` says what each run-time dim is called. */
export const sizeText = (size: Dim, symbol: (name: string) => string): string =>
  renderDim(size, { symbol, times: " * ", floorDiv: (of, by) => `Math.floor((${of}) / ${by})` });

/** Whether a size can stand as an operand of a product without parentheses. */
export const isProduct = (size: Dim): boolean => size.terms.length <= 1;

/** `[B, T, 768]` for comments. */
export const shapeComment = (shape: Shape): string => `[${shape.map((size) => size.key).join(", ")}]`;
