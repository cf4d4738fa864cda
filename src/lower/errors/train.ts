import type { Call, Name } from "../../language/ast/expressions.ts";
import { errorAt, type Diagnostic, type Label } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { describe, type Meaning } from "../values/meaning.ts";
import { quoted, suggestOrList } from "./suggest.ts";

const first = (span: Span | undefined): readonly Label[] =>
  span === undefined ? [] : [{ span, text: "the first one" }];

export const twoSections = (span: Span, other: Span): Diagnostic =>
  errorAt("E561", span, "a model has one `train` section", { more: first(other) });

export const settingTwice = (name: Name, other: Span): Diagnostic =>
  errorAt("E562", name.span, `\`${name.text}\` stands twice in \`train\``, { more: first(other) });

export const targetTwice = (name: Name, other: Span | undefined): Diagnostic =>
  errorAt("E563", name.span, `there is an input called \`${name.text}\` already`, { more: first(other) });

export const noLoss = (span: Span): Diagnostic =>
  errorAt("E564", span, "`train` has no `loss`", {
    help: "for example `loss (logits, label) -> cross_entropy`",
  });

export const noScalar = (span: Span, what: string, found: Meaning): Diagnostic =>
  errorAt("E565", span, `a ${what} is one number, but this is ${describe(found)}`, {
    help: "`cross_entropy`, `mean_squared_error`, or `mean` of all elements give one",
  });

export const metricTaken = (span: Span, name: string): Diagnostic =>
  errorAt(
    "E582",
    span,
    `a metric cannot be called \`${name}\`: a training has something of that name itself`,
    {
      help: "give it another name: `… as my_metric`",
    },
  );

export const epochsAndSteps = (epochs: Span, steps: Span): Diagnostic =>
  errorAt("E566", steps, "the length of the training is given twice, in epochs and in steps", {
    more: [{ span: epochs, text: "the epochs" }],
  });

export const settingIsNoChain = (span: Span, name: string): Diagnostic =>
  errorAt("E567", span, `\`${name}\` takes a value, not a chain`);

export const settingTooSmall = (span: Span, name: string, least: number, found: number): Diagnostic =>
  errorAt("E568", span, `\`${name}\` is ${name === "clip" ? "above 0" : `at least ${least}`}, got ${found}`);

export const choiceExpected = (span: Span, what: string, names: readonly string[]): Diagnostic =>
  errorAt("E569", span, `\`${what}\` takes one of ${quoted(names)}, with its options in parentheses`);

export const unknownChoice = (span: Span, what: string, name: string, names: readonly string[]): Diagnostic =>
  errorAt("E570", span, `there is no ${what} called \`${name}\``, suggestOrList(name, names, "there are"));

/** `examples` has a value for each option. */
export const optionsMissing = (
  call: Call,
  name: string,
  examples: Readonly<Record<string, string>>,
): Diagnostic =>
  errorAt("E571", call.span, `\`${name}\` needs ${quoted(Object.keys(examples))}`, {
    help: `for example \`${name}(${Object.entries(examples)
      .map(([option, value]) => `${option}: ${value}`)
      .join(", ")})\``,
  });

export const optionOutside = (span: Span, option: string, wanted: string): Diagnostic =>
  errorAt("E572", span, `${option} is ${wanted}`);

export const augmentationExpected = (span: Span): Diagnostic =>
  errorAt("E573", span, "`augment` takes an input and one way to change it at random", {
    help: "for example `augment image -> shift(1)`",
  });

export const augmentsNoInput = (span: Span, name: string, inputs: readonly string[]): Diagnostic =>
  errorAt(
    "E574",
    span,
    `there is no input called \`${name}\``,
    suggestOrList(name, inputs, "the model takes"),
  );

export const augmentedTwice = (span: Span, name: string): Diagnostic =>
  errorAt("E574", span, `\`${name}\` is augmented twice`);
