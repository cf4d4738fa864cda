import type { AssertStatement, Definition } from "../../language/ast.ts";
import type { Argument, Call, Expression, Name } from "../../language/ast/expressions.ts";
import { around } from "../../language/mends.ts";
import { errorAt, type Diagnostic, type DiagnosticOptions } from "../../support/diagnostic.ts";
import { joinSpans, spanText, type Span } from "../../support/source.ts";
import { dtypes } from "../../tensor/dtype.ts";
import { plural } from "../../support/text.ts";
import { describeKind, placements, type Kind } from "../values/kinds.ts";
import { describe, type Meaning } from "../values/meaning.ts";
import { oneLine, quoted, suggest, suggestOrList } from "./suggest.ts";

export const unknownArgument = (name: Name, callee: string, names: readonly string[]): Diagnostic =>
  errorAt("E301", name.span, `\`${callee}\` has no parameter called \`${name.text}\``, {
    ...(names.length === 0
      ? { help: `\`${callee}\` has no parameters` }
      : suggestOrList(name.text, names, "it has")),
  });

export const givenTwice = (argument: Argument, name: string, first: Argument): Diagnostic =>
  errorAt("E302", argument.span, `\`${name}\` is given twice`, {
    more: [{ span: first.span, text: "the first one" }],
  });

export const anotherParametersName = (
  argument: Argument,
  callee: string,
  name: string,
  next: string | undefined,
): Diagnostic =>
  errorAt(
    "E303",
    argument.span,
    `\`${name}\` stands in the place of ${next === undefined ? "no parameter" : `\`${next}\``}, but \`${callee}\` has a parameter \`${name}\``,
    {
      help: `arguments without a name go by their order; name them, \`${name}: ${name}\`, if this is meant`,
    },
  );

/** `permute(0, 2, 1)`: several numbers where one list is taken. */
export const numbersForList = (
  args: readonly Argument[],
  callee: string,
  { name, required, kind }: Described,
): Diagnostic => {
  const list = `[${args.map(({ span }) => oneLine(spanText(span), 30)).join(", ")}]`;
  return errorAt(
    "E316",
    args[1]!.span,
    `\`${callee}\` takes one ${kind.name === "shape" ? "shape" : "list"}, \`${name}\`, in brackets`,
    {
      help: `write \`${callee}(${required ? list : `${name}: ${list}`})\``,
      fix: around(joinSpans(args[0]!.span, args.at(-1)!.span), required ? "[" : `${name}: [`, "]"),
    },
  );
};

interface Described {
  readonly name: string;
  readonly required: boolean;
  readonly kind: Kind;
}

export function tooManyArguments(
  argument: Argument,
  callee: string,
  parameters: readonly Described[],
): Diagnostic {
  const required = parameters.filter((parameter) => parameter.required).length;
  const named = parameters.filter((parameter) => !parameter.required).map((parameter) => parameter.name);
  const text = oneLine(spanText(argument.span), 30);
  const help =
    named.length === 0
      ? `\`${callee}\` has no others`
      : named.length === 1
        ? `the others are named: \`${named[0]!}: ${text}\``
        : `the others are named: ${quoted(named.map((name) => `${name}:`))}`;
  return errorAt(
    "E304",
    argument.span,
    `\`${callee}\` takes ${required === 0 ? "no arguments" : plural(required, "argument")} without a name`,
    { help },
  );
}

/** `completed` are the arguments of the call with the names of those that are lacking. */
export const argumentsMissing = (
  call: Call,
  callee: string,
  lacking: readonly string[],
  completed: readonly string[],
): Diagnostic =>
  errorAt("E305", call.span, `\`${callee}\` needs ${quoted(lacking)}`, {
    help: `write \`${oneLine(spanText(call.path.span))}(${completed.map((text) => oneLine(text)).join(", ")})\`, with ${lacking.length === 1 ? "a value" : "values"} for ${quoted(lacking)}`,
  });

export function wrongKind(expression: Expression, what: string, kind: Kind, found: Meaning): Diagnostic {
  const verb = what.startsWith("`") ? "takes" : "must be";
  const message = `${what} ${verb} ${describeKind(kind)}, got ${describe(found)}`;
  return errorAt("E306", expression.span, message, wrongKindHelp(expression, what, kind, found));
}

function wrongKindHelp(expression: Expression, what: string, kind: Kind, found: Meaning): DiagnosticOptions {
  const text = oneLine(spanText(expression.span));
  if (found.kind === "tensor" || found.kind === "tuple")
    return { help: "tensors flow through arrows: `x -> f(…)`, or `(x, y) -> f(…)` for several" };
  if (kind.name === "init" && found.kind === "list" && found.items.some(({ kind: item }) => item === "list"))
    return { help: `a list has all elements in one row: \`[${text.replaceAll(/[[\]]/g, "")}]\`` };
  if (kind.name === "shape" && (found.kind === "number" || found.kind === "dim"))
    return { help: `a shape stands in brackets: \`[${text}]\``, instead: `[${spanText(expression.span)}]` };
  if (found.kind === "text" && ["layer", "label", "init", "bool"].includes(kind.name))
    return { help: `leave the quotes out: \`${found.value}\``, instead: found.value };
  if (found.kind === "dim" && kind.name !== "size")
    return { help: `${text} is known only when the model runs` };
  if (
    found.kind === "number" &&
    expression.kind !== "number" &&
    !Number.isInteger(found.value) &&
    ["int", "count", "size"].includes(kind.name)
  )
    return { help: `\`/\` is exact; \`div(a, b)\` and \`floor(x)\` give whole numbers` };
  const words =
    kind.words ?? (kind.name === "dtype" ? dtypes : kind.name === "placement" ? placements : undefined);
  if (words !== undefined && found.kind === "text" && words.includes(found.value))
    return { help: `leave the quotes out: \`${found.value}\``, instead: found.value };
  if (words !== undefined && (found.kind === "word" || found.kind === "text")) {
    return suggest(found.value, words);
  }
  // Of the model itself: a layer's is not the writer's to change.
  if (found.kind === "none" && /^`\w+`$/.test(what) && kind.words === undefined)
    return {
      help: `a parameter may be none if its kind says so: ${what.slice(0, -1)}: ${kind.name} | none\``,
    };
  return {};
}

export const notATruth = (span: Span, found: Meaning): Diagnostic =>
  errorAt("E307", span, `a condition is true or false, known before the model runs, got ${describe(found)}`, {
    ...(found.kind === "tensor" ? { help: "`(condition, y, z) -> where` chooses between tensors" } : {}),
    ...(found.kind === "none"
      ? { help: `\`${oneLine(spanText(span))} != none\` asks whether it is given` }
      : {}),
  });

export const tensorsInParentheses = (tensors: readonly Argument[], callee: string): Diagnostic => {
  const names = tensors.map(({ span }) => oneLine(spanText(span)).replace(/^\[(.*)\]$/, "$1"));
  const flow = names.length === 1 && !names[0]!.includes(",") ? names[0]! : `(${names.join(", ")})`;
  return errorAt(
    "E315",
    tensors[0]!.span,
    `\`${names[0]!}\` ${names[0]!.includes(",") ? "are tensors" : "is a tensor"}; parentheses hold what is known before the model runs`,
    {
      help: `tensors flow through arrows: \`${flow} -> ${callee}\``,
    },
  );
};

export const unknownWord = (span: Span, word: string, words: readonly string[]): Diagnostic =>
  errorAt("E314", span, `\`${word}\` is none of ${quoted(words)}`, suggest(word, words));

export const layerAsOperand = (call: Call): Diagnostic => {
  const text = oneLine(spanText(call.span));
  return errorAt("E308", call.span, `\`${text}\` is a layer, but a value is needed here`, {
    help: `put it in parentheses to apply it to the stream: \`(${text})\``,
    instead: `(${spanText(call.span)})`,
  });
};

export const unknownInit = (span: Span, name: string, names: readonly string[]): Diagnostic =>
  errorAt(
    "E317",
    span,
    `there is no initializer called \`${name}\``,
    suggestOrList(name, names, "write a number, or one of"),
  );

export const impossibleInit = (span: Span, name: string, problem: string): Diagnostic =>
  errorAt("E318", span, `\`${name}\`: ${problem}`);

export const tooDeep = (span: Span): Diagnostic =>
  errorAt("E309", span, "this expression is nested too deeply", {
    help: "name its parts with `let` or `name = …`",
  });

export const assertionFailed = (statement: AssertStatement, message: string): Diagnostic =>
  errorAt("E310", statement.condition.span, message, { label: "this must hold" });

export const recursion = (span: Span, stack: readonly Definition[], definition: Definition): Diagnostic => {
  const circle = stack.slice(stack.indexOf(definition)).map(({ name }) => name.text);
  const name = definition.name.text;
  return errorAt("E311", span, `\`${name}\` would contain itself`, {
    label: [...circle, name].join(" -> "),
    more: [{ span: definition.name.span, text: "defined here" }],
    help: "`repeat` runs a body several times",
  });
};

export const callsTooDeep = (span: Span, most: number): Diagnostic =>
  errorAt("E312", span, `blocks call each other more than ${most} deep`);

export function inputCount(
  span: Span,
  definition: Definition,
  inputs: readonly string[],
  needed: number,
  found: number,
): Diagnostic {
  const name = definition.name.text;
  const range =
    needed === inputs.length ? plural(needed, "input") : `${needed} to ${plural(inputs.length, "input")}`;
  return errorAt("E313", span, `\`${name}\` takes ${range} (${inputs.join(", ")}), got ${found}`, {
    more: [{ span: definition.name.span, text: "defined here" }],
    help:
      inputs.length === 0
        ? "it begins a chain"
        : `write \`${inputs.length === 1 ? inputs[0]! : `(${inputs.join(", ")})`} -> ${name}\``,
  });
}
