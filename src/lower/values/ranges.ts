import type { Expression, MadeList } from "../../language/ast/expressions.ts";
import * as errors from "../errors/labels.ts";
import type { Frame } from "../frame/context.ts";
import { number, type Meaning } from "./meaning.ts";

/** The numbers from `first` to `end - 1`. */
export interface Range {
  readonly first: number;
  readonly end: number;
}

/** The numbers that a `repeat` or a list counts; undefined if they are none or not known, which has been reported. */
export function evaluateRange(
  written: { readonly first: Expression | undefined; readonly end: Expression },
  what: "a repeat" | "a list",
  frame: Frame,
): Range | undefined {
  const first =
    written.first === undefined ? 0 : evaluateCount(written.first, `the start of ${what}`, what, frame);
  const ending = written.first === undefined ? `the count of ${what}` : `the end of ${what}`;
  const end = evaluateCount(written.end, ending, what, frame);
  if (first === undefined || end === undefined) return undefined;
  if (first >= 0 && end >= first) return { first, end };
  frame.context.diagnostics.add(errors.rangeBackwards(written, what, { first, end }), frame.calls);
  return undefined;
}

function evaluateCount(
  expression: Expression,
  place: string,
  what: "a repeat" | "a list",
  frame: Frame,
): number | undefined {
  const meaning = frame.context.walk.evaluateAs(expression, { name: "int", optional: false }, frame, place);
  if (meaning?.kind === "number") return meaning.value;
  if (meaning?.kind === "dim")
    frame.context.diagnostics.add(errors.countNotKnown(expression.span, what, meaning.dim), frame.calls);
  return undefined;
}

/** `[item for index in end]`: the index is a number in the item, and nowhere else. */
export function evaluateMadeList(list: MadeList, frame: Frame): Meaning | undefined {
  const { walk, budget } = frame.context;
  const range = evaluateRange(list, "a list", frame);
  if (range === undefined) return undefined;
  const items: Meaning[] = [];
  for (let index = range.first; index < range.end; index++) {
    budget.spend("steps", 1, list.span, frame);
    const item = frame.scope.with(list.index, number(index), () => walk.evaluate(list.item, frame));
    if (item === undefined) return undefined;
    items.push(item);
  }
  return budget.hold({ kind: "list", items }, list.span, frame);
}
