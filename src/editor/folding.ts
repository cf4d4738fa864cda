import { positionAt } from "../support/source.ts";
import type { Analysis } from "./analyze.ts";
import { bodiesOf } from "./braces.ts";

/** Lines that can be folded away, counted from 1: the first stays. */
export interface Fold {
  readonly first: number;
  readonly last: number;
  readonly kind: "body" | "comment";
}

/** Bodies and comments of several lines. */
export function folds({ source, tokens }: Pick<Analysis, "source" | "tokens">): readonly Fold[] {
  const lineOf = (offset: number): number => positionAt(source, offset).line;
  const bodies = bodiesOf(tokens).map(({ start, end }): Fold => ({
    first: lineOf(start),
    last: lineOf(end) - 1,
    kind: "body",
  }));
  const comments: Fold[] = [];
  for (const { kind, start } of tokens) {
    if (
      kind !== "comment" ||
      !/^[ \t]*$/.test(source.text.slice(source.text.lastIndexOf("\n", start) + 1, start))
    )
      continue;
    const line = lineOf(start);
    const last = comments.at(-1);
    if (last?.last === line - 1) comments[comments.length - 1] = { ...last, last: line };
    else comments.push({ first: line, last: line, kind: "comment" });
  }
  return [...bodies, ...comments].filter(({ first, last }) => last > first);
}
