import type { ChainStatement } from "../../language/ast.ts";
import { errorAt, warningAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { describe, type Meaning } from "../values/meaning.ts";

export const noStream = (span: Span): Diagnostic =>
  errorAt("E213", span, "there is no stream yet", {
    help: "the first `input` begins it; a chain may also begin with a value or with `parameter`, `positions`",
  });

export const tupleAsStatement = ({ chain }: ChainStatement, count: number): Diagnostic =>
  errorAt("E222", chain.span, `the stream is one tensor, but this chain gives a tuple of ${count}`, {
    help:
      count === 1
        ? "bind its only part, `(a) = …`, and go on with it: `a`"
        : "bind them, `(a, b) = …`, and go on with one: `a`",
  });

export const statementWithoutTensor = ({ chain }: ChainStatement, meaning: Meaning): Diagnostic =>
  errorAt("E223", chain.span, `a line moves the stream on, but this is ${describe(meaning)}`, {
    help: "`let name = …` names what is known before the model runs",
  });

export const deadEnd = (span: Span): Diagnostic =>
  warningAt("W202", span, "nothing reads what this line makes: it is no output", {
    help: "an `output` without a value of its name is the stream where it stands: move it down, or leave this out",
  });

export const deadStream = (before: Span, span: Span): Diagnostic =>
  warningAt("W201", before, "nothing reads what this line makes: a later line replaces the stream", {
    more: [{ span, text: "replaced here" }],
    help: "name it, `name = …`, or begin the later line with `stream`",
  });
