import { choice, group, hardLine, join, line, nest, suffix, type Doc } from "./doc.ts";
import { afterComments, fillList, printComments, printList, printRange, splitAt } from "./expressions.ts";
import type { BodyPart, Item, Part, Statement } from "./read.ts";
import type { Surroundings } from "./spacing.ts";

const INDENT = 2;

/** Lines, one under the other. */
export function printItems(items: readonly Item[], isSetting = false): Doc {
  const docs = items.map((item) => printItem(item, isSetting));
  return join(hardLine, docs);
}

function printItem(item: Item, isSetting: boolean): Doc {
  switch (item.kind) {
    case "blank":
      return "";
    case "note":
      return item.text;
    case "line": {
      const comment = item.comment === undefined ? [] : [suffix(` ${item.comment.text}`)];
      return [group(printStatements(item.statements, isSetting)), ...comment];
    }
  }
}

/** Statements that share a line if the group they are in fits on one. */
function printStatements(statements: readonly Statement[], isSetting: boolean): Doc {
  const docs = statements.map((statement) => printStatement({ statement, isSetting }));
  return join([choice("", ";"), line], docs);
}

/** Headers and bodies in turn: a header breaks for itself, the bodies of a statement break together. */
function printStatement(around: Surroundings): Doc {
  const { statement } = around;
  const docs: Doc[] = [];
  let start = 0;
  for (let end = 0; end <= statement.length; end++) {
    const part = statement[end];
    if (part !== undefined && part.kind !== "body") continue;
    if (end > start) docs.push(gap(statement, start), printHeader(around, start, end));
    if (part !== undefined) docs.push(gap(statement, end), printBody(part, around));
    start = end + 1;
  }
  return group(docs);
}

/** What stands between a header and a body, or a body and what follows it. */
function gap(statement: Statement, index: number): Doc {
  if (index === 0) return "";
  if (statement[index - 1]!.kind === "comment") return hardLine;
  return statement[index]!.kind === "comment" ? "" : " ";
}

/** A stretch of a statement without bodies. If it has commas, what follows them stands below what precedes them. */
function printHeader(around: Surroundings, from: number, end: number): Doc {
  const parts = around.statement;
  const start = afterComments(parts, from, end);
  if (start > from) return [printComments(parts.slice(from, start), ""), printHeader(around, start, end)];
  const items = splitAt({ parts, from: start, to: end }, ",");
  const first = parts[start]!;
  const align = items.length > 1 && first.kind === "word" ? first.text.length + 1 : INDENT;
  const [only] = items;
  if (items.length === 1 && only !== undefined) return printRange(only, around);
  const { docs } = printList(items, around);
  return nest(align, isKeys(first) ? fillList(items, docs) : group(join(line, docs)));
}

/** The keys of a config that change nothing are many, and short: as many on a line as fit. */
const isKeys = (first: Part): boolean => first.kind === "word" && first.text === "neutral";

function printBody(body: BodyPart, { statement, isSetting }: Surroundings): Doc {
  const first = statement[0]!;
  const isTrain = isSetting || (first.kind === "word" && first.text === "train");
  if (body.items.length === 0 && body.comment === undefined) return "{}";
  if (!body.oneLine) {
    const comment = body.comment === undefined ? [] : [suffix(` ${body.comment.text}`)];
    return ["{", ...comment, nest(INDENT, [hardLine, printItems(body.items, isTrain)]), hardLine, "}"];
  }
  const statements = body.items.flatMap((item) => (item.kind === "line" ? item.statements : []));
  return ["{", nest(INDENT, [line, printStatements(statements, isTrain)]), line, "}"];
}
