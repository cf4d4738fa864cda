import type { Body, RepeatStatement } from "../../language/ast.ts";
import type { Frame } from "../frame/context.ts";
import { LabelScope, type RanIteration } from "../names/labels.ts";
import { number } from "../values/meaning.ts";
import { evaluateRange, type Range } from "../values/ranges.ts";
import { tellSkipped } from "../names/references.ts";
import { evaluateLabel } from "../names/written-label.ts";

/** Lowers the body once for each number; `lower` says what a body is here: statements in turn, or a branch. */
export function lowerRepeat(statement: RepeatStatement, frame: Frame, lower: (body: Body) => void): void {
  const range = evaluateRange(statement, "a repeat", frame);
  if (range === undefined) {
    frame.stream = { kind: "failed" };
    return;
  }
  frame.context.budget.spend("iterations", range.end - range.first, statement.end.span, frame);
  if (range.end === range.first) tellSkipped(statement.body, frame);
  if (statement.shared) runShared(statement, range, frame, lower);
  else runLabelled(statement, range, frame, lower);
}

/** One iteration with its own labels; what it bound stays. */
function runIteration(
  statement: RepeatStatement,
  index: number,
  labels: LabelScope,
  name: string,
  frame: Frame,
  lower: (body: Body) => void,
): void {
  const { builder } = frame.context;
  const [outerLabels, outerIterations] = [frame.labels, builder.iterations];
  frame.labels = labels;
  const iteration = {
    label: name,
    index,
    ...(statement.checkpoint && { checkpoint: true as const }),
    ...(frame.module.library && { library: true as const }),
  };
  builder.iterations = [...outerIterations, iteration];
  if (statement.index !== undefined)
    frame.scope.bind(statement.index.text, number(index), statement.index.span);
  lower(statement.body);
  frame.labels = outerLabels;
  builder.iterations = outerIterations;
}

function runLabelled(
  statement: RepeatStatement,
  range: Range,
  frame: Frame,
  lower: (body: Body) => void,
): void {
  const { labels, context } = frame;
  const named = evaluateLabel(statement.label, frame);
  if (named === "wrong") {
    frame.stream = { kind: "failed" };
    return;
  }
  const written = named?.name;
  const hasName = written !== undefined || statement.index !== undefined;
  const label = written ?? (hasName ? "" : labels.nextName("repeat"));
  const unlabelled = labels.unlabelled || !hasName;
  const ran = written === undefined ? new Map<number, RanIteration>() : labels.openRepeat(written);
  for (let index = range.first; index < range.end; index++) {
    const own = [label, String(index)].filter((part) => part !== "").join(".");
    context.budget.write(labels.prefix.length + own.length, statement.span, frame);
    const iteration: RanIteration = {
      labels: new LabelScope(labels.full(own), unlabelled, labels),
      name: statement.label?.span,
      start: frame.scope.time,
      end: undefined,
      stream: undefined,
    };
    if (!ran.has(index)) ran.set(index, iteration);
    runIteration(statement, index, iteration.labels, label === "" ? "repeat" : label, frame, lower);
    iteration.end = frame.scope.time;
    iteration.stream = frame.stream.kind === "value" ? frame.stream.value : undefined;
  }
}

/** All iterations have the parameters of the first one, and their names are those of the body around. */
function runShared(
  statement: RepeatStatement,
  range: Range,
  frame: Frame,
  lower: (body: Body) => void,
): void {
  const { labels, context } = frame;
  const replay = { first: context.builder.parameters.length, end: context.builder.parameters.length };
  for (let index = range.first; index < range.end; index++) {
    const inner = labels.fork();
    if (index > range.first) context.replays.push(replay);
    runIteration(statement, index, inner, "repeat", frame, lower);
    if (index > range.first) context.replays.pop();
    replay.end = context.builder.parameters.length;
    if (index === range.end - 1) labels.join(inner);
  }
}
