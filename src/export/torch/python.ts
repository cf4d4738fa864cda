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
