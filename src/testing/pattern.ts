/** A value captured by name: `[[sum:%\w+]]` captures, `[[sum]]` later stands for the same text. */
export type Captures = ReadonlyMap<string, string>;

/** Where a pattern was found in a line, and what it captured. */
export interface Found {
  readonly start: number;
  readonly end: number;
  readonly captures: Captures;
}

/** A pattern that cannot be read: a mistake of the test, not of the text that it tests. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** Blanks, `{{regex}}`, `[[name]]`, and the beginning of `[[name:regex]]`. */
const pieces = /\{\{(?<regex>.*?)\}\}|\[\[(?<name>[A-Za-z_]\w*)(?:\]\]|(?<colon>:))|(?<space>\s+)/g;

/**
 * The pattern as a regular expression. Text stands for itself, blanks for any blanks, `{{…}}` for a regular expression,
 * `[[name:…]]` captures what its regular expression matches, and `[[name]]` is what was captured.
 */
export function compilePattern(pattern: string, captures: Captures): RegExp {
  const scanner = new RegExp(pieces);
  let source = "";
  let end = 0;
  const here = new Set<string>();
  for (let match = scanner.exec(pattern); match !== null; match = scanner.exec(pattern)) {
    source += escape(pattern.slice(end, match.index));
    end = scanner.lastIndex;
    const { regex, name, colon, space } = match.groups!;
    if (space !== undefined) source += "\\s+";
    else if (regex !== undefined) source += `(?:${regex})`;
    else {
      const capture = colon === undefined ? undefined : captureAt(pattern, end);
      if (capture !== undefined) end = scanner.lastIndex = end + capture.length + "]]".length;
      source += variable(name!, capture, captures, here);
    }
  }
  source += escape(pattern.slice(end));
  try {
    return new RegExp(source, "g");
  } catch (error) {
    throw new PatternError(`\`${pattern}\` is not a pattern: ${(error as Error).message}`);
  }
}

/** The regular expression that starts at `start` and ends at the `]]` outside its own brackets. */
function captureAt(pattern: string, start: number): string {
  let depth = 0;
  for (let i = start; i < pattern.length; i++) {
    const letter = pattern[i];
    if (letter === "\\") i++;
    else if (letter === "[") depth++;
    else if (letter === "]" && depth > 0) depth--;
    else if (letter === "]" && pattern[i + 1] === "]") return pattern.slice(start, i);
  }
  throw new PatternError(`\`${pattern}\` has a capture that does not end`);
}

function variable(name: string, capture: string | undefined, captures: Captures, here: Set<string>): string {
  if (capture !== undefined) {
    if (here.has(name)) throw new PatternError(`[[${name}]] is captured twice in one line`);
    here.add(name);
    return `(?<${name}>${capture})`;
  }
  if (here.has(name)) return `\\k<${name}>`;
  const known = captures.get(name);
  if (known === undefined) throw new PatternError(`[[${name}]] stands before it is captured`);
  return escape(known);
}

const escape = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");

/** The first place in `line` from `start` where the pattern matches. */
export function findPattern(
  pattern: string,
  line: string,
  start: number,
  captures: Captures,
): Found | undefined {
  const regex = compilePattern(pattern, captures);
  regex.lastIndex = start;
  const match = regex.exec(line);
  if (match === null) return undefined;
  const merged = new Map([...captures, ...Object.entries(match.groups ?? {})]);
  return { start: match.index, end: match.index + match[0].length, captures: merged };
}
