import type { Value } from "../../ir/graph.ts";
import { Mismatch } from "../../ops/define.ts";
import type { Span } from "../../support/source.ts";
import type { Branch, Frame } from "../frame/context.ts";
import * as errors from "../errors/stream.ts";
import * as shapeErrors from "../errors/shapes.ts";
import { placeOf } from "../values/tensors.ts";

/** The stream's value; the branches of a `parallel` are added up, in order, once somebody reads them. */
export function readStream(frame: Frame, span: Span): Value | undefined {
  const { stream } = frame;
  switch (stream.kind) {
    case "value":
      return stream.value;
    case "failed":
      return undefined;
    case "unset":
      frame.context.diagnostics.add(errors.noStream(span), frame.calls);
      frame.stream = { kind: "failed" };
      return undefined;
    case "sum": {
      const value = sumBranches(stream.branches, frame);
      frame.stream = value === undefined ? { kind: "failed" } : { kind: "value", value, span: stream.span };
      return value;
    }
  }
}

function sumBranches(branches: readonly Branch[], frame: Frame): Value | undefined {
  const [first, ...others] = branches;
  let sum = first?.value;
  for (const branch of others) {
    if (sum === undefined) return undefined;
    const node = frame.context.builder.emit(
      "add",
      { x: sum, y: branch.value },
      {},
      placeOf(branch.span, frame),
    );
    if (node instanceof Mismatch) {
      frame.context.diagnostics.add(shapeErrors.branchesDiffer(branch, first!, sum.type), frame.calls);
      return undefined;
    }
    sum = node.results[0];
  }
  return sum;
}

/** Moves the stream on; undefined: what should have been there failed. */
export function setStream(frame: Frame, value: Value | undefined, span: Span): void {
  frame.stream = value === undefined ? { kind: "failed" } : { kind: "value", value, span };
}

/** Warns if the stream moved on after the outputs and nobody read where it went. */
export function warnOfDeadEnd({ context, outputs, stream, calls }: Frame): void {
  const isUnread =
    stream.kind === "sum" || (stream.kind === "value" && !context.builder.isRead(stream.value));
  if (outputs.length > 0 && isUnread) context.diagnostics.add(errors.deadEnd(stream.span), calls);
}
