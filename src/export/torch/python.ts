import { renderDim, type Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import { helperNames } from "./helpers.ts";

/** Python text of a value; `atom` if an operator or a dot may follow it without parentheses. */
export interface Expression {
  readonly text: string;
  readonly atom: boolean;
}

export const atom = (text: string): Expression => ({ text, atom: true });

/** An expression of operators. */
export const sum = (text: string): Expression => ({ text, atom: false });

export const atomText = ({ text, atom: isAtom }: Expression): string => (isAtom ? text : `(${text})`);

/** A number as Python writes it; whole floats without their point, which means the same beside tensors. */
export function number(value: number): string {
  if (Number.isNaN(value)) return "math.nan";
  if (!Number.isFinite(value)) return value > 0 ? "math.inf" : "-math.inf";
  return String(value).replace("e+", "e");
}

export const numberExpression = (value: number): Expression => ({ text: number(value), atom: value >= 0 });

export const text = (value: string): string => JSON.stringify(value);

/** What constructors and tables take: a number, a word, none, or several. */
export function literal(value: unknown): string {
  if (value === undefined) return "None";
  if (typeof value === "number") return number(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return text(value);
  const items = (value as readonly unknown[]).map(literal);
  return items.length === 1 ? `(${items[0]!},)` : `(${items.join(", ")})`;
}

const notation = {
  symbol: (name: string) => name,
  floorDiv: (of: string, by: number) => `((${of}) // ${by})`,
  times: " * ",
};

/** A size; run-time dims are variables of their names. */
export const dimText = (size: Dim): string => renderDim(size, notation);

/** `B, T, 64`; an empty shape gives an empty text. */
export const dimsText = (shape: Shape): string => shape.map(dimText).join(", ");

/** `(B, T)`, `(64,)`, `()`. */
export const tupleText = (shape: Shape): string =>
  shape.length === 1 ? `(${dimText(shape[0]!)},)` : `(${dimsText(shape)})`;

/** Python's words, which are no names. */
const keywords: ReadonlySet<string> = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global if " +
    "import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

export const isName = (word: string): boolean => /^[A-Za-z_]\w*$/.test(word) && !keywords.has(word);

/** A variable's name from any words; what emitted files call so already is no variable. */
const taken: ReadonlySet<string> = new Set(["self", "torch", "nn", "F", "math", "group", "layer", "rope"]);

export function variable(words: string): string {
  const name =
    words
      .replace(/\W+/g, "_")
      .replace(/^(?=\d)/, "v")
      .replace(/^_+$/, "") || "value";
  return isName(name) && !taken.has(name) && !helperNames.has(name) ? name : `${name}_`;
}

/** Longest line of emitted Python. */
export const WIDTH = 110;

/**
 * A statement within the width: a line that is too long is broken at its last bracket that can be, each part on a line of its
 * own, as Python's formatters do it.
 */
export function fit(line: string, indent: string): string[] {
  if (indent.length + line.length <= WIDTH) return [indent + line];
  const found = breakable(line);
  if (found === undefined) return [indent + line];
  const { open, close } = found;
  const parts = splitParts(line.slice(open + 1, close));
  const inner = parts.flatMap((part) => {
    const lines = fit(part, `${indent}    `);
    return [...lines.slice(0, -1), `${lines.at(-1)!},`];
  });
  // A comma would make a tuple of what is alone in parentheses, or a tuple of an index.
  const isIndex = line[open] === "[" && /[\w\])]$/.test(line.slice(0, open));
  const isAlone = parts.length === 1 && (isIndex || (!/^[\w.]*=/.test(parts[0]!) && line[open] === "("));
  if (isAlone) inner[inner.length - 1] = inner.at(-1)!.slice(0, -1);
  return [indent + line.slice(0, open + 1), ...inner, indent + line.slice(close)];
}

/** The bracket whose inside is longest, among those that no other one holds. */
function breakable(line: string): { readonly open: number; readonly close: number } | undefined {
  let best: { open: number; close: number } | undefined;
  const starts: number[] = [];
  for (const [at, { character }] of codeOf(line).entries()) {
    if ("([{".includes(character) && character !== "") starts.push(at);
    if (!")]}".includes(character) || character === "") continue;
    const open = starts.pop()!;
    if (starts.length > 0 || close(open, at) < 2) continue;
    if (best === undefined || at - open >= best.close - best.open) best = { open, close: at };
  }
  return best;
}

const close = (open: number, end: number): number => end - open;

/** The characters of a line, those in texts and comments empty. */
function codeOf(line: string): readonly { readonly character: string }[] {
  let quote = false;
  let comment = false;
  return Array.from(line, (character, at) => {
    if (comment) return { character: "" };
    if (character === '"' && line[at - 1] !== "\\") quote = !quote;
    if (!quote && character === "#") comment = true;
    return { character: quote || comment ? "" : character };
  });
}

/** At the commas that stand in no bracket. */
function splitParts(inside: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (const [at, { character }] of codeOf(inside).entries()) {
    if (character !== "" && "([{".includes(character)) depth++;
    if (character !== "" && ")]}".includes(character)) depth--;
    if (character !== "," || depth > 0) continue;
    parts.push(inside.slice(start, at).trim());
    start = at + 1;
  }
  const last = inside.slice(start).trim();
  return last === "" ? parts : [...parts, last];
}
