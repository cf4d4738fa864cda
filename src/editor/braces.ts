import type { Token } from "../language/tokens.ts";

/** A bracket that is open at some place, with what stands right before it. */
export interface OpenBracket {
  readonly character: "{" | "(" | "[";
  readonly at: number;
  /** The index of its token. */
  readonly index: number;
}

const closers: Readonly<Record<string, string>> = { "}": "{", ")": "(", "]": "[" };

/** The brackets that are open before an offset, outermost first; what closes nothing is passed over. */
export function openAt(tokens: readonly Token[], offset: number): readonly OpenBracket[] {
  const open: OpenBracket[] = [];
  for (const [index, { kind, text, start }] of tokens.entries()) {
    if (start >= offset) break;
    if (kind !== "symbol") continue;
    if (text === "{" || text === "(" || text === "[") open.push({ character: text, at: start, index });
    const opener = closers[text];
    const from = opener === undefined ? -1 : open.findLastIndex(({ character }) => character === opener);
    if (from >= 0) open.splice(from);
  }
  return open;
}

/** Pairs of braces, in the order in which they open: bodies. */
export function bodiesOf(
  tokens: readonly Token[],
): readonly { readonly start: number; readonly end: number }[] {
  const open: number[] = [];
  const bodies: { start: number; end: number }[] = [];
  for (const { kind, text, start, end } of tokens) {
    if (kind !== "symbol") continue;
    if (text === "{") open.push(start);
    const from = text === "}" ? open.pop() : undefined;
    if (from !== undefined) bodies.push({ start: from, end });
  }
  return bodies.sort((a, b) => a.start - b.start);
}
