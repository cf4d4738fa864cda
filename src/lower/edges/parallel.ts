import { append } from "../../support/lists.ts";
import type { Body, ParallelStatement, Statement } from "../../language/ast.ts";
import { joinSpans, type Span } from "../../support/source.ts";
import { bindTap } from "../statements/chains.ts";
import { takenBody } from "../statements/conditions.ts";
import type { AppliedLayer, Branch, Frame, Stream } from "../frame/context.ts";
import * as errors from "../errors/edges.ts";
import { tensor } from "../values/meaning.ts";
import { lowerRepeat } from "../statements/repeats.ts";
import { readStream } from "../statements/stream.ts";

/**
 * Feeds each branch the same stream. The stream becomes the branches' sum, which is only made once somebody reads it: a
 * residual edge around it takes the branches one by one.
 */
export function lowerParallel(statement: ParallelStatement, frame: Frame): void {
  const value = readStream(frame, statement.span);
  const start: Stream =
    value === undefined ? { kind: "failed" } : { kind: "value", value, span: statement.span };
  if (value !== undefined) frame.context.builder.markRead(value);
  const branches: (Branch | undefined)[] = [];
  lowerBranches(statement.body, start, branches, frame);
  frame.stream = joinBranches(statement, branches, value !== undefined, frame);
  if (statement.tap === undefined) return;
  const sum = readStream(frame, statement.span);
  bindTap(statement.tap, sum === undefined ? undefined : tensor(sum), frame);
}

function joinBranches(
  statement: ParallelStatement,
  branches: readonly (Branch | undefined)[],
  hasStart: boolean,
  frame: Frame,
): Stream {
  if (branches.length === 0 && hasStart)
    frame.context.diagnostics.add(errors.noBranches(statement.span), frame.calls);
  const done = branches.filter((branch) => branch !== undefined);
  if (done.length === 0 || done.length < branches.length) return { kind: "failed" };
  return { kind: "sum", branches: done, span: statement.span };
}

/** Each chain, edge or pair of braces is a branch, each iteration of a repeat is one, an `if` gives those it holds. */
function lowerBranches(body: Body, start: Stream, branches: (Branch | undefined)[], frame: Frame): void {
  for (const statement of body.statements) {
    frame.stream = start;
    switch (statement.kind) {
      case "if": {
        const taken = takenBody(statement, frame);
        if (taken === "failed") branches.push(undefined);
        else if (taken !== undefined) lowerBranches(taken, start, branches, frame);
        break;
      }
      case "repeat":
        lowerRepeat(statement, frame, (iteration) => {
          frame.stream = start;
          branches.push(lowerBranch(iteration.statements, iteration.span, frame));
        });
        break;
      case "chain":
      case "residual":
      case "parallel":
      case "braces":
        branches.push(lowerBranch([statement], statement.span, frame));
        break;
      default:
        frame.context.walk.statement(statement, frame);
    }
  }
}

function lowerBranch(statements: readonly Statement[], span: Span, frame: Frame): Branch | undefined {
  const outer = frame.applied;
  frame.applied = [];
  for (const statement of statements) frame.context.walk.statement(statement, frame);
  const value = readStream(frame, span);
  const label = branchLabel(frame.applied);
  append(outer, frame.applied);
  frame.applied = outer;
  const [first, last] = [statements[0], statements.at(-1)];
  const place = first === undefined || last === undefined ? span : joinSpans(first.span, last.span);
  return value === undefined ? undefined : { value, span: place, label };
}

/** `input_layernorm -> attention`: the labels of a branch, or its kinds of layers where it has none. */
export function branchLabel(applied: readonly AppliedLayer[]): string {
  const labels = applied.map(({ label }) => label).filter((label) => label !== undefined);
  return (labels.length > 0 ? labels : applied.map(({ kind }) => kind)).join(" -> ");
}
