import type { Edit } from "../support/diagnostic.ts";
import type { Span } from "../support/source.ts";

/* Edits for mistakes in the text, where only one thing is meant. */

/** The edits that write a character as the language does, where only one is meant. */
export function plainSigns(span: Span, character: string): readonly Edit[] | undefined {
  const { text } = span.source;
  const pair = quotesAround(span, character);
  if (pair !== undefined) return pair.map((at) => ({ span: { ...span, start: at, end: at + 1 }, text: '"' }));
  if (character === "&") {
    const end = text.startsWith("&&", span.start) ? span.end + 1 : span.end;
    return [{ span: { ...span, end }, text: " and " }];
  }
  const plain = Object.hasOwn(signs, character) ? signs[character] : undefined;
  return plain === undefined ? undefined : [{ span, text: plain }];
}

/** The only two quotes of another kind on a line. */
function quotesAround({ source, start }: Span, character: string): readonly number[] | undefined {
  const kind = ["'", "`", "“”"].find((quotes) => quotes.includes(character));
  if (kind === undefined) return undefined;
  const from = source.text.lastIndexOf("\n", start) + 1;
  const [line] = source.text.slice(from).split("\n", 1);
  const found = [...line!.matchAll(new RegExp(`[${kind}]`, "g"))].map(({ index }) => from + index);
  return found.length === 2 && !line!.includes('"') ? found : undefined;
}

/** How the language writes a sign of typography. */
export const signs: Readonly<Record<string, string>> = {
  "#": "//",
  "–": "-",
  "—": "-",
  "−": "-",
  "×": "*",
  "·": "*",
  "÷": "/",
  "≤": "<=",
  "≥": ">=",
  "≠": "!=",
  "\u00A0": " ",
};

/** Brackets, or more, around what stands there. */
export const around = (span: Span, open: string, close: string): readonly Edit[] => [
  before(span, open),
  { span: { ...span, start: span.end }, text: close },
];

export const before = (span: Span, text: string): Edit => ({ span: { ...span, end: span.start }, text });

/** A comma or semicolon after what stands on the same line, else right before it: in between may be a comment. */
export function separatedFrom({ source, start }: Span, sign: "," | ";"): Edit {
  const before = source.text.slice(0, start).trimEnd().length;
  const isSameLine = !source.text.slice(before, start).includes("\n");
  const at = isSameLine ? before : start;
  return { span: { source, start: at, end: at }, text: isSameLine ? sign : `${sign} ` };
}
