import { breaks, fill, group, hardLine, line, nest, softLine, suffix, type Doc } from "./doc.ts";
import type { BracketPart, Part, Statement } from "./read.ts";
import { highestLevel, isElse, isSpaced, lowestLevel, operatorLevel, type Surroundings } from "./spacing.ts";

const INDENT = 2;

/** Some neighbours among the parts of a statement, or of an item in brackets. */
export interface Range {
  readonly parts: Statement;
  readonly from: number;
  readonly to: number;
}

/** The ranges between the symbols `text`. */
export function splitAt({ parts, from, to }: Range, text: string): Range[] {
  const ranges: Range[] = [];
  let start = from;
  for (let index = from; index < to; index++) {
    const part = parts[index]!;
    if (part.kind !== "symbol" || part.text !== text) continue;
    ranges.push({ parts, from: start, to: index });
    start = index + 1;
  }
  return [...ranges, { parts, from: start, to }];
}

/** A chain: if it does not fit on a line, each of its arrows starts one. */
export function printRange(range: Range, around: Surroundings): Doc {
  const [head, ...steps] = splitAt(range, "->");
  const docs = steps.map((step) => [line, "-> ", printChoice(step, around, false)]);
  return group([printChoice(head!, around, true), nest(INDENT, docs)]);
}

/** `a if b else c`: a line may start with each `else`. */
function printChoice(range: Range, around: Surroundings, startsLine: boolean): Doc {
  const { parts, from, to } = range;
  const starts = [from];
  for (let index = from + 1; index < to; index++) if (isElse(parts, index)) starts.push(index);
  const docs = starts.map((start, index) => {
    const part = { parts, from: start, to: starts[index + 1] ?? to };
    return printOperands(part, around, lowestLevel, startsLine && index === 0);
  });
  const [first, ...others] = docs;
  return group([
    first!,
    nest(
      INDENT,
      others.map((doc) => [line, doc]),
    ),
  ]);
}

/** Operands and operators. A line may end behind an operator, first of all behind those that hold loosest. */
function printOperands(range: Range, around: Surroundings, level: number, startsLine: boolean): Doc {
  if (level > highestLevel) return printParts(range, around, startsLine);
  const { parts, from, to } = range;
  const docs: Doc[] = [];
  let start = from;
  const takeUntil = (end: number): void => {
    const operands = { parts, from: start, to: end };
    const doc = printOperands(operands, around, level + 1, startsLine && start === from);
    docs.push(start === from ? doc : nest(INDENT, doc));
    start = end;
  };
  for (let index = from; index < to - 1; index++) {
    if (operatorLevel(parts, index, around) !== level) continue;
    takeUntil(index + 1);
    while (parts[start]?.kind === "comment") start++;
    docs.push(nest(INDENT, printComments(parts.slice(index + 1, start), line)));
    index = start - 1;
  }
  takeUntil(to);
  return docs.length === 1 ? docs : fill(docs);
}

/** Parts side by side; a line ends behind a comment. */
function printParts({ parts, from, to }: Range, around: Surroundings, startsLine: boolean): Doc {
  const docs: Doc[] = [];
  const first = startsLine ? afterComments(parts, from, to) : from;
  for (let index = from; index < to; index++) {
    const part = parts[index]!;
    const endsLine = index > from && parts[index - 1]!.kind === "comment";
    if (endsLine || (part.kind === "comment" && part.own && index > first))
      docs.push(index > first ? nest(INDENT, hardLine) : hardLine);
    else if (part.kind !== "comment" && index > from && isSpaced(parts, index, around)) docs.push(" ");
    docs.push(printPart(part, around));
  }
  return docs;
}

/** The index of the first part that is no comment. */
export function afterComments(parts: Statement, from: number, to: number): number {
  let index = from;
  while (index < to && parts[index]!.kind === "comment") index++;
  return index;
}

/** Comments between two parts, and the line end behind them; `otherwise` if there are none. */
export function printComments(comments: readonly Part[], otherwise: Doc): Doc {
  if (comments.length === 0) return otherwise;
  const docs = comments.map((comment) => {
    if (comment.kind !== "comment") return "";
    return comment.own ? [hardLine, comment.text] : suffix(` ${comment.text}`);
  });
  return [...docs, hardLine];
}

function printPart(part: Part, around: Surroundings): Doc {
  switch (part.kind) {
    case "comment":
      return part.own ? [part.text, breaks] : suffix(` ${part.text}`);
    case "bracket":
      return printBracket(part, around);
    case "body":
      return "";
    default:
      return part.text;
  }
}

/** As many items on a line as fit. */
function printBracket({ open, close, items }: BracketPart, around: Surroundings): Doc {
  const filled = items.filter((item, index) => item.length > 0 || index < items.length - 1);
  const ranges = filled.map((parts) => ({ parts, from: 0, to: parts.length }));
  const { docs, leading } = printList(ranges, around);
  // A comma behind the only item of a tuple is what makes it one.
  const comma = open === "(" && items.length === 2 && filled.length === 1 ? "," : "";
  if (docs.length === 0) return [open, close];
  if (ranges.length === 1 && ranges[0]!.to === trailingComments(ranges[0]!).length)
    return [open, leading, hardLine, close];
  const lines = fillList(ranges, docs);
  return group([open, leading, nest(INDENT, [softLine, lines, comma]), softLine, close]);
}

/** The items of `printList`, as many on a line as fit. */
export const fillList = (ranges: readonly Range[], docs: readonly Doc[]): Doc =>
  fill(
    docs.flatMap((doc, index) =>
      index === 0 ? [doc] : [startsWithComment(ranges[index]!) ? hardLine : line, doc],
    ),
  );

/** A line must end before such an item, or behind the comment that stands behind the comma. */
const startsWithComment = ({ parts, from }: Range): boolean => parts[from]?.kind === "comment";

/** Items with their commas. A comment behind a comma stays on its line; one before the first item is `leading`. */
export function printList(ranges: readonly Range[], around: Surroundings): { docs: Doc[]; leading: Doc } {
  const trailing = ranges.map(trailingComments);
  const docs = ranges.map((range, index): Doc => {
    const own = { ...range, from: range.from + trailing[index]!.length };
    const comma = index < ranges.length - 1 ? "," : "";
    return [printRange(own, around), comma, trailing[index + 1] ?? []];
  });
  return { docs, leading: trailing[0] ?? [] };
}

/** The comment that stands behind the comma or bracket before a range. */
function trailingComments({ parts, from, to }: Range): Doc[] {
  const part = parts[from];
  return from < to && part?.kind === "comment" && !part.own ? [suffix(` ${part.text}`)] : [];
}
