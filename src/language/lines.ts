/** The statement that starts here may have its `{` at the start of the next line. */
const header = /(?:residual|repeat|parallel|if|model|block|train|config)\b(?![ \t\r]*[:.=])/y;

/** `else` that goes on with an `if`; `else: linear(4)` is a layer with that label. */
const elseWord = /else\b(?![ \t\r]*[:.=])/y;

/** Words side by side that start a statement and can stand nowhere within parentheses. */
const statementStart =
  /(?:(?:input|output|let|assert|residual|model|block)[ \t]+[A-Za-z_{]|(?:parallel|train|config)[ \t]+\{|config[ \t]+for[ \t]+"|repeat[ \t]+[\w(]|use[ \t]+")/y;

const definitionStart = /(?:model|block)[ \t]+[A-Za-z_]\w*[ \t\r]*[({]/y;

const matchesAt = (pattern: RegExp, text: string, at: number): boolean => {
  pattern.lastIndex = at;
  return pattern.test(text);
};

/** A line that starts so begins a new definition whatever is still open above it. */
export const startsDefinition = (text: string, at: number): boolean => matchesAt(definitionStart, text, at);

/** A line that starts so begins a new statement, even if a parenthesis is still open above it. */
export const startsStatement = (text: string, at: number): boolean => matchesAt(statementStart, text, at);

/**
 * Whether the statement that starts at `statement` ends with the line whose last character is at `last`; `next` is
 * the first character of the next line that has any.
 */
export function endsStatement(text: string, statement: number, last: number, next: number): boolean {
  if (last < 0 || next >= text.length) return true;
  const end = text[last]!;
  if (",=:+-*/%^|<>".includes(end)) return false;
  if (/\w/.test(end) && /(?:^|\W)(?:and|or|not|in)$/.test(text.slice(Math.max(0, last - 3), last + 1)))
    return false;
  if (text.startsWith("->", next) || matchesAt(elseWord, text, next)) return false;
  return !(text[next] === "{" && end !== "}" && matchesAt(header, text, statement));
}

/** The word of a comment after an operand that reads like its divisor: `dim // 2`, `linear(dim // heads)`. */
export function divisorIn(text: string, last: number, start: number, end: number): string | undefined {
  if (!/[\w)\]]/.test(text[last]!) || end - start > 80) return undefined;
  return /^\/\/ *([A-Za-z_]\w*|\d+(?:\.\d+)?)[)\],]*$/.exec(text.slice(start, end))?.[1];
}
