import { append } from "../../support/lists.ts";
import { formatStatement, WIDTH } from "./statement.ts";

/**
 * A file of Python as `ruff format` leaves it: statements are broken where they are too long, one way whatever wrote them. What is said
 * behind a statement goes above it where it does not fit on its line. Blank lines, texts of several lines and statements with comments
 * inside of their brackets are kept.
 */
export function formatPython(text: string): string {
  const formatted: string[] = [];
  for (const statement of statementsOf(text)) append(formatted, laidOut(statement));
  return formatted.join("\n");
}

/** Imports, and what they are for: with two empty lines before a function or a class, as Python's sorters of imports want it. */
export const belowImports = (imports: readonly string[], body: string): string =>
  [...imports, "", ...(/^(?:def|class|@)/.test(body) ? [""] : []), body].join("\n");

/** The physical lines of a statement, or of what is kept. */
type Lines = readonly [string, ...string[]];

function laidOut(physical: Lines): readonly string[] {
  const [first] = physical;
  const parts = physical.map(splitComment);
  const inner = parts.slice(0, -1).some(({ comment }) => comment !== undefined);
  if (first.trim() === "" || first.includes('"""') || parts[0]!.code.trim() === "" || inner) return physical;
  const margin = first.length - first.trimStart().length;
  const indent = " ".repeat(margin);
  const code = parts.map((part) => part.code.trim()).join(" ");
  const { comment } = parts.at(-1)!;
  const [head, ...rest] = formatStatement(code, margin) as [string, ...string[]];
  if (comment === undefined) return [indent + head, ...rest];
  const behind = `${indent}${head}  ${comment}`;
  return rest.length === 0 && behind.length <= WIDTH ? [behind] : [indent + comment, indent + head, ...rest];
}

/** The lines of a text, those of open brackets and of open texts together. */
function statementsOf(text: string): readonly Lines[] {
  const statements: Lines[] = [];
  let open: string[] = [];
  let depth = 0;
  let isText = false;
  for (const each of text.split("\n")) {
    open.push(each);
    const quotes = each.split('"""').length - 1;
    if (isText || quotes > 0) isText = isText !== (quotes % 2 === 1);
    else
      for (const character of bareCode(each))
        depth += "([{".includes(character) ? 1 : ")]}".includes(character) ? -1 : 0;
    if (isText || depth > 0) continue;
    statements.push(open as unknown as Lines);
    open = [];
  }
  return statements;
}

/** A line without its texts and its comment. */
const bareCode = (line: string): string =>
  splitComment(line).code.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, "");

function splitComment(line: string): { readonly code: string; readonly comment?: string } {
  const found = /^((?:[^#"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*)(#.*)$/.exec(line);
  return found === null ? { code: line } : { code: found[1]!.trimEnd(), comment: found[2]! };
}
