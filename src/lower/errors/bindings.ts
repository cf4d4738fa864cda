import type { BindStatement, LetStatement, ParameterDeclaration } from "../../language/ast.ts";
import type { Name, Tap } from "../../language/ast/expressions.ts";
import { before } from "../../language/mends.ts";
import { errorAt, warningAt, type Diagnostic } from "../../support/diagnostic.ts";
import { spanText, type Span } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import { describe, type Meaning } from "../values/meaning.ts";
import { oneLine, quoted } from "./suggest.ts";

export const tapOfNoTensor = (tap: Tap, meaning: Meaning): Diagnostic =>
  errorAt("E214", tap.span, `\`as\` names a tensor, but here is ${describe(meaning)}`, {
    help:
      meaning.kind === "tuple"
        ? `bind its parts: \`(a, b) = …\``
        : "`let name = …` names what is known before the model runs",
  });

export const outputTwice = (name: Name, first: Span): Diagnostic =>
  errorAt("E215", name.span, `there are two outputs called \`${name.text}\``, {
    more: [{ span: first, text: "the first one" }],
  });

export const inputTwice = (name: Name, first: Span): Diagnostic =>
  errorAt("E228", name.span, `there are two inputs called \`${name.text}\``, {
    more: [{ span: first, text: "the first one" }],
  });

export const inputHidesParameter = (name: Name, parameter: Span): Diagnostic =>
  warningAt("W203", name.span, `the input \`${name.text}\` hides the parameter of that name from here on`, {
    more: [{ span: parameter, text: "the parameter" }],
    help: "give one of them another name",
  });

export const parameterDeclaredTwice = (name: Name, first: Span): Diagnostic =>
  errorAt("E229", name.span, `there are two parameters called \`${name.text}\``, {
    more: [{ span: first, text: "the first one" }],
  });

export const definedTwice = (name: Name, first: Name): Diagnostic =>
  errorAt("E216", name.span, `\`${name.text}\` is defined twice`, {
    more: [{ span: first.span, text: "the other one" }],
  });

export const letOfTensor = ({ name, value, span }: LetStatement, meaning: Meaning): Diagnostic =>
  errorAt(
    "E219",
    value.span,
    `\`let\` is for what is known before the model runs, but this is ${describe(meaning)}`,
    {
      help: `for a tensor leave \`let\` out: \`${name.text} = ${oneLine(spanText(value.span))}\``,
      fix: [{ span: { ...span, end: name.span.start }, text: "" }],
    },
  );

/** `canBeLet`: a `let` may stand in its place. */
export const bindOfStatic = (
  { chain, targets, tuple, span }: BindStatement,
  name: string,
  meaning: Meaning,
  canBeLet: boolean,
): Diagnostic =>
  errorAt("E220", chain.span, `\`${name} = …\` names a tensor, but this is ${describe(meaning)}`, {
    help:
      targets.length === 1
        ? `write \`let ${name} = ${oneLine(spanText(chain.span))}\``
        : "`let` names what is known before the model runs",
    ...(canBeLet && targets.length === 1 && !tuple && { fix: [before(span, "let ")] }),
  });

export const targetCount = ({ targets, chain, tuple }: BindStatement, found: number): Diagnostic => {
  const names = quoted(targets.map((target) => target.text));
  const message =
    targets.length === 1 && !tuple
      ? `this chain gives ${plural(found, "value")}, but only ${names} is bound`
      : `this chain gives ${plural(found, "value")}, but ${plural(targets.length, "name")} (${names}) ${targets.length === 1 ? "is" : "are"} bound`;
  return errorAt("E221", chain.span, message, {
    help:
      found > 1
        ? `bind a tuple of ${found}, with \`_\` for what is not wanted`
        : "bind one name, without parentheses",
  });
};

export const defaultsInCircle = (span: Span, name: string): Diagnostic =>
  errorAt("E224", span, `the default of \`${name}\` needs \`${name}\` itself`, {
    help: "defaults are worked out where they are first needed; break the circle with a value",
  });

export const parameterNeedsValue = (parameter: ParameterDeclaration): Diagnostic =>
  errorAt("E227", parameter.span, `the model's parameter \`${parameter.name.text}\` has no value`, {
    help: `give it a default, or \`--set ${parameter.name.text}=…\``,
  });
