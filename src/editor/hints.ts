import type { Statement, Body } from "../language/ast.ts";
import { positionAt } from "../support/source.ts";
import { showType } from "../tensor/type.ts";
import type { Analysis } from "./analyze.ts";
import { toldAs } from "./places.ts";

/** A remark behind a line: the stream after it. */
export interface Hint {
  readonly offset: number;
  readonly text: string;
}

/** Statements after which the stream is what it was before. */
const still: ReadonlySet<string> = new Set([
  "let",
  "assert",
  "default",
  "allow",
  "train",
  "config",
  "output",
]);

/**
 * The type of the stream at the end of lines where it changes: hints on every line are found noise by those who read them, and
 * make editors slow. Of several statements that end on a line the outermost gives the hint.
 */
export function hints(analysis: Analysis): readonly Hint[] {
  const { source, file } = analysis;
  const moving = new Set<number>();
  for (const { body } of file.definitions)
    for (const { span, kind } of statementsIn(body)) if (!still.has(kind)) moving.add(span.start);
  const lines = new Map<number, { readonly start: number; readonly end: number; readonly text: string }>();
  for (const { span, meaning } of toldAs(analysis, source, "stream")) {
    if (!moving.has(span.start)) continue;
    const { line } = positionAt(source, span.end);
    const there = lines.get(line);
    // Of a place that is lowered several times, the first.
    if (there === undefined || span.start < there.start)
      lines.set(line, { start: span.start, end: span.end, text: showType(meaning.type) });
  }
  let before = "";
  const changed: Hint[] = [];
  for (const [, { end, text }] of [...lines].sort(([a], [b]) => a - b)) {
    if (text !== before) changed.push({ offset: end, text });
    before = text;
  }
  return changed;
}

/** All statements of a body, those in further bodies too. */
export function statementsIn(body: Body): readonly Statement[] {
  return body.statements.flatMap((statement) => [statement, ...bodiesIn(statement).flatMap(statementsIn)]);
}

export function bodiesIn(statement: Statement): readonly Body[] {
  if (statement.kind === "if") {
    const taken = statement.branches.map((branch) => branch.body);
    return statement.otherwise === undefined ? taken : [...taken, statement.otherwise];
  }
  return "body" in statement && statement.body !== undefined ? [statement.body] : [];
}
