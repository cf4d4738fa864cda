/** A word, number, text, comment or symbol, with its offsets; line ends are tokens too. */
export interface Token {
  readonly kind: "word" | "number" | "text" | "comment" | "newline" | "symbol";
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const patterns: readonly (readonly [Token["kind"], RegExp])[] = [
  ["newline", /\n/y],
  ["comment", /\/\/[^\n\r]*/y],
  ["text", /"(?:\\.|[^"\\\n])*"/y],
  ["number", /\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w)/y],
  ["word", /\w+/y],
  ["symbol", /->|=>|<=|>=|==|!=|\.\.|\*\*|\|\||[^]/y],
];

const blanks = /[ \t\r\uFEFF]*/y;

/** Cuts a text, or a range of it, into tokens. Every character that is not a blank is part of one. */
export function tokenize(text: string, from = 0, to = text.length): Token[] {
  const tokens: Token[] = [];
  for (let at = skipBlanks(text, from); at < to; at = skipBlanks(text, at)) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function skipBlanks(text: string, at: number): number {
  blanks.lastIndex = at;
  blanks.test(text);
  return blanks.lastIndex;
}

function tokenAt(text: string, start: number): Token {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start;
    const [found] = pattern.exec(text) ?? [];
    if (found !== undefined) return { kind, text: found, start, end: start + found.length };
  }
  return { kind: "symbol", text: text.charAt(start), start, end: start + 1 };
}
