import type {
  BindStatement,
  Call,
  ChainStatement,
  LetStatement,
  Name,
  ParameterDeclaration,
  PathPart,
  Tap,
} from "../../language/ast.ts";
import { errorAt, warningAt, type Diagnostic } from "../../support/diagnostic.ts";
import { spanText, type Span } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import { describe, type Meaning } from "../meaning.ts";
import { oneLine, quoted, suggest, suggestOrList } from "./suggest.ts";
import { sameWord } from "./synonyms.ts";

export const unknownValue = (
  span: Span,
  name: string,
  names: Iterable<string>,
  inBlock: boolean,
): Diagnostic => {
  const near = suggest(name, names);
  return errorAt("E201", span, `there is no value called \`${name}\``, {
    ...near,
    ...(near.help === undefined &&
      inBlock && { help: `a block sees its own names only: give it a parameter \`${name}\`` }),
  });
};

/** In the type of an input, where a capital would bind a dim. */
export const unknownSize = (span: Span, name: string, names: Iterable<string>): Diagnostic =>
  errorAt("E201", span, `there is no value called \`${name}\``, {
    help:
      suggest(name, names).help ??
      `a dim that the run binds begins with a capital: \`${name[0]!.toUpperCase()}${name.slice(1)}\``,
  });

/** `2 * T` in the type of an input, before `T` is bound. */
export const dimInSum = (span: Span, name: string): Diagnostic =>
  errorAt("E207", span, `the dim \`${name}\` is not bound here`, {
    help: `a dim is bound where it stands alone, as \`[B, ${name}]\`; what is made of it follows after that`,
  });

/** A label is no layer's name. */
export const labelIsNoLayer = (call: Call, first: Span): Diagnostic =>
  errorAt("E202", call.path.span, `there is no layer called \`${call.path.root.text}\``, {
    more: [{ span: first, text: "this layer has that label" }],
    help: `to use it again, weights and all, write \`same(${call.path.root.text})\``,
  });

export const unknownLayer = (call: Call, names: readonly string[]): Diagnostic =>
  capitalConstant(call.path.span, call.path.root.text) ??
  errorAt(
    "E202",
    call.path.span,
    `there is no layer called \`${call.path.root.text}\``,
    call.path.root.text === "not"
      ? { help: "it stands before a value: `not x`" }
      : suggest(call.path.root.text, names),
  );

/** A name alone at the head of a chain, where a value or a layer may stand. */
export const unknownHead = (call: Call, values: Iterable<string>, layers: readonly string[]): Diagnostic =>
  errorAt(
    "E202",
    call.path.span,
    `there is neither a value nor a layer called \`${call.path.root.text}\``,
    suggest(call.path.root.text, [...values, ...layers]),
  );

export const layerIsNoValue = (span: Span, name: string): Diagnostic =>
  errorAt("E203", span, `\`${name}\` is a layer, but a value is needed here`, {
    help: `apply it to the stream in parentheses, \`(${name})\`, or to a value with an arrow, \`x -> ${name}\``,
  });

export const valueIsNoLayer = (call: Call, meaning: Meaning): Diagnostic =>
  errorAt(
    "E204",
    call.path.span,
    `\`${call.path.root.text}\` is ${describe(meaning)}, but a layer is needed here`,
    {
      help: "layers stand after arrows and labels; values stand at the head of a chain or between operators",
    },
  );

export function pathIsNoLayer(call: Call, names: readonly string[], isTensor: boolean): Diagnostic {
  const text = oneLine(spanText(call.path.span));
  const last = call.path.parts.at(-1);
  const method = last?.kind === "field" ? last.name.text : undefined;
  const layer = method === undefined || names.includes(method) ? method : sameWord(method, names);
  const help =
    layer === undefined
      ? `to use the layer at a label again, write \`same(${text})\``
      : isTensor
        ? `tensors flow through arrows: \`${call.path.root.text} -> ${layer}\``
        : `layers stand without a module's name: \`${layer}\``;
  return errorAt("E205", call.path.span, `\`${text}\` is no layer`, { help });
}

export const sameNeedsLabel = (call: Call): Diagnostic =>
  errorAt("E206", call.span, "`same` takes the label of the layer that is used again", {
    help: "for example `same(shared)` or `same(layers[0].attn)`",
  });

/** `True`, `False` and `None`, as Python has them. */
const constants: ReadonlySet<string> = new Set(["True", "False", "None"]);

export const capitalConstant = (span: Span, name: string): Diagnostic | undefined =>
  constants.has(name)
    ? errorAt("E201", span, `there is no value called \`${name}\``, {
        help: `it is written \`${name.toLowerCase()}\``,
      })
    : undefined;

export const unboundDim = (span: Span, name: string, names: Iterable<string>): Diagnostic =>
  errorAt("E207", span, `the dim \`${name}\` is not bound here`, {
    help:
      suggest(
        name,
        [...names].filter((other) => /^[A-Z]/.test(other)),
      ).help ?? "dims are bound by the types of inputs",
  });

export const noSuchPart = (span: Span, part: PathPart, meaning: Meaning): Diagnostic =>
  errorAt(
    "E208",
    part.kind === "field" ? part.name.span : part.span,
    `${describe(meaning)} has no such part`,
    {
      more: [{ span, text: "read here" }],
    },
  );

export const indexOutside = (span: Span, index: number, length: number): Diagnostic =>
  errorAt("E209", span, `the index ${index} is outside a list of ${length}`, {
    help: length === 0 ? "the list is empty" : `indices go from 0 to ${length - 1}`,
  });

/** `x[0]` of a tensor. */
export const tensorIndexed = (span: Span, name: string, part: PathPart): Diagnostic => {
  const index = part.kind === "index" ? oneLine(spanText(part.value.span)) : "i";
  return errorAt("E230", span, `\`${name}\` is a tensor: brackets take a part of a list`, {
    help: `\`${name} -> select(${index}, axis: 0)\` takes one place of an axis, \`slice\` several`,
  });
};

/** `x.shape` of a tensor. */
export const shapeAsked = (span: Span, name: string): Diagnostic =>
  errorAt("E231", span, `a tensor has no parts, and \`${name}\` is one`, {
    help: `name its dims by a type, \`${name} as same: f32[B, T, D]\`, and use the names`,
  });

export const indexNotKnown = (span: Span, index: Meaning): Diagnostic =>
  errorAt("E210", span, `an index must be known before the model runs, got ${describe(index)}`, {
    help: "`-> select(i)` takes a part of a tensor",
  });

export const noSuchPath = (span: Span, path: string): Diagnostic =>
  errorAt("E211", span, `\`${path}\` is no value`, {
    help: "a dot belongs to labels; a value of an iteration is `label[k].name`",
  });

export const notInIteration = (span: Span, name: string, names: Iterable<string>): Diagnostic =>
  errorAt("E212", span, `no value called \`${name}\` was bound in that iteration`, suggest(name, names));

export const noStream = (span: Span): Diagnostic =>
  errorAt("E213", span, "there is no stream yet", {
    help: "the first `input` begins it; a chain may also begin with a value or with `parameter`, `positions`",
  });

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

export const useNeedsPlainPath = (span: Span): Diagnostic =>
  errorAt("E217", span, "`use` takes the path of a file, without holes");

export const usedFileMissing = (span: Span, path: string, near: string | undefined): Diagnostic =>
  errorAt("E218", span, `there is no file "${path}"`, {
    help: near === undefined ? "the path is relative to the folder of this file" : `did you mean "${near}"?`,
  });

export const letOfTensor = ({ name, value }: LetStatement, meaning: Meaning): Diagnostic =>
  errorAt(
    "E219",
    value.span,
    `\`let\` is for what is known before the model runs, but this is ${describe(meaning)}`,
    {
      help: `for a tensor leave \`let\` out: \`${name.text} = ${oneLine(spanText(value.span))}\``,
    },
  );

export const bindOfStatic = ({ chain, targets }: BindStatement, name: string, meaning: Meaning): Diagnostic =>
  errorAt("E220", chain.span, `\`${name} = …\` names a tensor, but this is ${describe(meaning)}`, {
    help:
      targets.length === 1
        ? `write \`let ${name} = ${oneLine(spanText(chain.span))}\``
        : "`let` names what is known before the model runs",
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

export const defaultsInCircle = (span: Span, name: string): Diagnostic =>
  errorAt("E224", span, `the default of \`${name}\` needs \`${name}\` itself`, {
    help: "defaults are worked out where they are first needed; break the circle with a value",
  });

export const noModel = (span: Span): Diagnostic =>
  errorAt("E225", span, "the file has no model", {
    help: "write `model name { input … }`; a `block` is only used by others",
  });

export const unknownModel = (span: Span, name: string, models: readonly string[]): Diagnostic =>
  errorAt("E226", span, `the file has no model called \`${name}\``, suggestOrList(name, models, "it has"));

export const parameterNeedsValue = (parameter: ParameterDeclaration): Diagnostic =>
  errorAt("E227", parameter.span, `the model's parameter \`${parameter.name.text}\` has no value`, {
    help: `give it a default, or \`--set ${parameter.name.text}=…\``,
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
