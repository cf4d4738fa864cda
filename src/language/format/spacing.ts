import { statementWords, trainSettings } from "../words.ts";
import type { Part, Statement } from "./read.ts";

const operators = [
  ["or"],
  ["and"],
  ["==", "!=", "<=", ">=", "<", ">", "in"],
  ["+", "-"],
  ["*", "/", "%"],
  ["^"],
];
const levels = new Map(operators.flatMap((row, level) => row.map((operator) => [operator, level])));
export const lowestLevel = 0;
export const highestLevel = operators.length - 1;

const infixWords = new Set(["if", "else", "and", "or", "not", "in", "as"]);

/** What the spacing of a statement depends on, beyond two neighbours. */
export interface Surroundings {
  readonly statement: Statement;
  /** True for a line of `train { }`, whose settings are words of their own. */
  readonly isSetting: boolean;
}

/** The text of a token, the opening character of a bracket; nothing of what is neither. */
function textOf(part: Part | undefined): string {
  if (part === undefined || part.kind === "body" || part.kind === "comment") return "";
  return part.kind === "bracket" ? part.open : part.text;
}

/** The index of the part before the one at `index` that is no comment; -1 if there is none. */
function lastBefore(parts: Statement, index: number): number {
  let at = index - 1;
  while (parts[at]?.kind === "comment") at--;
  return at;
}

/** A word of the language as a label, or a part of one, is no word of the language. */
const isLabel = (parts: Statement, index: number): boolean =>
  textOf(parts[index - 1]) === "." || /^[.:]$/.test(textOf(parts[index + 1]));

/** True if the word at `index` is one of the language here, and no name: a bracket behind it is not its arguments. */
function isWord(parts: Statement, index: number, around: Surroundings): boolean {
  const text = textOf(parts[index]);
  if (isLabel(parts, index)) return false;
  if (infixWords.has(text)) return true;
  if (parts !== around.statement) return false;
  if (index === 0) {
    const words: readonly string[] = around.isSetting ? [...trainSettings, "if", "assert"] : statementWords;
    return words.includes(text);
  }
  const first = textOf(parts[0]);
  if (first === "repeat") return text === "shared" && index > 1;
  const earlier = lastBefore(parts, index);
  const opensClause = earlier === 0 || textOf(parts[earlier]) === ",";
  return first === "residual" && opensClause && /^(?:from|skip|branch|init)$/.test(text);
}

/** True if the part at `index` is the sign of the value behind it, and does not stand between two values. */
function isPrefix(parts: Statement, index: number, around: Surroundings): boolean {
  if (textOf(parts[index]) !== "-") return false;
  const earlier = lastBefore(parts, index);
  const before = parts[earlier];
  if (before?.kind === "word") return isWord(parts, earlier, around);
  return before === undefined || before.kind === "symbol";
}

/** How tightly the operator at `index` holds, if there is one between two values. */
export function operatorLevel(parts: Statement, index: number, around: Surroundings): number | undefined {
  const level = levels.get(textOf(parts[index]));
  return level === undefined || isPrefix(parts, index, around) || isLabel(parts, index) ? undefined : level;
}

/** True for the `else` of a choice between values, or between keys of a config. */
export const isElse = (parts: Statement, index: number): boolean =>
  textOf(parts[index]) === "else" && !isLabel(parts, index);

/** Whether a blank stands between the part at `index` and the one before it. */
export function isSpaced(parts: Statement, index: number, around: Surroundings): boolean {
  const before = parts[index - 1];
  const part = parts[index];
  if (before === undefined || part === undefined) return false;
  if (part.kind === "symbol" && /^(?:\.|\.\.|,|:)$/.test(part.text)) return false;
  if (before.kind === "symbol" && /^\.\.?$/.test(before.text)) return false;
  if (isPrefix(parts, index - 1, around)) return false;
  if (part.kind !== "bracket") return true;
  if (before.kind === "bracket") return false;
  // A label in quotes may have an index, as any other; what is called has no quotes.
  const isName = before.kind === "word" || (before.kind === "text" && part.open === "[");
  return !isName || isWord(parts, index - 1, around);
}
