import { largest, smallest } from "../../support/lists.ts";
import type { Parameter } from "../../ir/graph.ts";
import type { Expression } from "../../language/ast/expressions.ts";
import { errorAt, type Diagnostic, type Label } from "../../support/diagnostic.ts";
import { joinSpans, spanText, type Span } from "../../support/source.ts";
import { showDim, type Dim } from "../../tensor/dim.ts";
import { showShape, showType, type Shape } from "../../tensor/type.ts";
import type { Instance } from "../values/meaning.ts";
import { quoted, suggest } from "./suggest.ts";

const at = (span: Span | undefined, text: string): readonly Label[] =>
  span === undefined ? [] : [{ span, text }];

export const parameterTwice = (span: Span, first: Parameter): Diagnostic =>
  errorAt("E501", span, `two layers would own the weight \`${first.name}\``, {
    label: "the second one",
    more: at(first.span, "the first one"),
    help: "give one another label; `same(LABEL)` uses a layer again with its weights",
  });

export const sharedShapeDiffers = (span: Span, first: Parameter, shape: Shape): Diagnostic =>
  errorAt(
    "E502",
    span,
    `the shared weight \`${first.name}\` is ${showType(first.value.type)}, but is needed as ${showShape(shape)} here`,
    {
      more: at(first.span, "made here"),
    },
  );

export const noSuchLabel = (span: Span, label: string, labels: readonly string[]): Diagnostic =>
  errorAt(
    "E503",
    span,
    `there is no layer labelled \`${label}\` above`,
    suggest(
      label,
      labels,
      labels.length === 0
        ? "label the layer: `name: layer(…)`"
        : `labels that can be seen here: ${quoted([...new Set(labels)])}`,
    ),
  );

export const labelOfSeveral = (span: Span, label: string, first: Instance, second: Instance): Diagnostic =>
  errorAt("E504", span, `several layers are labelled \`${label}\``, {
    more: [
      { span: first.span, text: "one" },
      { span: second.span, text: "another" },
    ],
  });

export const noSuchRepeat = (span: Span, label: string, labels: readonly string[]): Diagnostic =>
  errorAt("E505", span, `there is no \`repeat … as ${label}\` above`, suggest(label, labels));

export const iterationNotRun = (
  span: Span,
  label: string,
  index: number,
  ran: readonly number[],
): Diagnostic =>
  errorAt("E506", span, `iteration ${index} of \`${label}\` has not run here`, {
    help:
      ran.length === 0
        ? "none has run so far"
        : ran.length === 1
          ? `only iteration ${ran[0]!} has so far`
          : `iterations ${smallest(ran)} to ${largest(ran)} have so far`,
  });

export const notBoundYet = (span: Span, name: string): Diagnostic =>
  errorAt("E512", span, `\`${name}\` is not bound yet in this iteration, which is still running`, {
    help: "read an earlier iteration, or bind it above",
  });

export const notALabel = (span: Span, name: string): Diagnostic =>
  errorAt("E514", span, `"${name}" is no label`, {
    help: 'a label has parts of letters, digits and `_` with dots between them, as `"{kind}.dense"`; `""` adds no name',
  });

export const sameWithLabel = (span: Span, label: string, instance: Instance): Diagnostic =>
  errorAt("E507", span, `\`${instance.label}\` owns its weights already; they cannot be \`${label}\` too`, {
    more: [{ span: instance.span, text: "the layer that is used again" }],
    help: "leave the label off",
    // The label, its colon and the blank behind it come first.
    fix: [
      {
        span: { ...span, end: span.start + /^(?:"[^"]*"|[\w.]*)\s*:\s*/.exec(spanText(span))![0].length },
        text: "",
      },
    ],
  });

export const rangeBackwards = (
  written: { readonly first: Expression | undefined; readonly end: Expression },
  what: "a repeat" | "a list",
  { first, end }: { readonly first: number; readonly end: number },
): Diagnostic => {
  const span =
    written.first === undefined ? written.end.span : joinSpans(written.first.span, written.end.span);
  const does = what === "a repeat" ? `run ${end} times` : `have ${end} elements`;
  return errorAt(
    "E509",
    span,
    written.first === undefined ? `${what} cannot ${does}` : `${what} cannot go from ${first} to ${end}`,
  );
};

export const countNotKnown = (span: Span, what: "a repeat" | "a list", size: Dim): Diagnostic =>
  errorAt(
    "E510",
    span,
    `the ${what === "a repeat" ? "iterations" : "elements"} of ${what} are known before the model runs, but ${showDim(size)} is not`,
  );

export const defaultInBlock = (span: Span): Diagnostic =>
  errorAt("E511", span, "`default` stands in a model only", {
    help: "a block gives its arguments where it calls a layer, or has parameters for them",
  });
