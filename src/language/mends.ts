import type { Edit } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/source.ts";

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

/** A statement left out with its semicolon; where it has a line for itself, with the line and the comment that ends it. */
export function withoutStatement({ source, start, end }: Span): Edit {
  const line = source.text.lastIndexOf("\n", start - 1) + 1;
  const before = source.text.slice(line, start);
  const after = source.text.slice(end);
  const isFirst = before.trim() === "";
  const [rest] = /^[ \t]*;?[ \t]*(?:\/\/.*)?(?:\r?\n|$)/.exec(after) ?? [];
  if (isFirst && rest !== undefined) return left(source, line, end + rest.length);
  const [separator] = /^[ \t]*;[ \t]*/.exec(after) ?? [];
  if (separator !== undefined && rest === undefined) return left(source, start, end + separator.length);
  return left(source, line + before.replace(/[ \t]*;?[ \t]*$/, "").length, end);
}

/** One of a list left out, with the comma before or behind it. */
export function withoutItem(items: readonly { readonly span: Span }[], index: number): Edit {
  const { source, start, end } = items[index]!.span;
  const next = items[index + 1];
  if (next !== undefined) return left(source, start, next.span.start);
  const previous = items[index - 1];
  if (previous !== undefined) return left(source, previous.span.end, end);
  const [comma] = /^\s*,/.exec(source.text.slice(end)) ?? [""];
  return left(source, start, end + comma.length);
}

const left = (source: Source, start: number, end: number): Edit => ({
  span: { source, start, end },
  text: "",
});
