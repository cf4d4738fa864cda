import type { Call } from "../../language/ast/expressions.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { describe, type Meaning } from "../values/meaning.ts";
import { quoted, suggest } from "./suggest.ts";

/** Where names of layers are to be found. */
const LAYERS = "`lmg ops` lists the layers";

export const unknownValue = (
  span: Span,
  name: string,
  names: Iterable<string>,
  inBlock: boolean,
): Diagnostic => {
  const known = [...names];
  const otherwise = inBlock
    ? `a block sees its own names only: give it a parameter \`${name}\``
    : known.length === 0
      ? undefined
      : `the names here are ${quoted(known)}`;
  return errorAt("E201", span, `there is no value called \`${name}\``, suggest(name, known, otherwise));
};

/** In the type of an input, where a capital would bind a dim. */
export const unknownSize = (span: Span, name: string, names: Iterable<string>): Diagnostic =>
  errorAt(
    "E201",
    span,
    `there is no value called \`${name}\``,
    suggest(
      name,
      names,
      `a dim that the run binds begins with a capital: \`${name[0]!.toUpperCase()}${name.slice(1)}\``,
    ),
  );

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
      : suggest(call.path.root.text, names, LAYERS),
  );

/** A call in an expression, where a function of numbers may stand, or a layer in parentheses. */
export const unknownCall = (
  call: Call,
  functions: readonly string[],
  layers: readonly string[],
): Diagnostic =>
  errorAt(
    "E202",
    call.path.span,
    `there is neither a function nor a layer called \`${call.path.root.text}\``,
    suggest(
      call.path.root.text,
      [...functions, ...layers],
      `the functions are ${quoted(functions)}; ${LAYERS}`,
    ),
  );

/** A name alone at the head of a chain, where a value or a layer may stand. */
export function unknownHead(call: Call, values: Iterable<string>, layers: readonly string[]): Diagnostic {
  const known = [...values];
  return errorAt(
    "E202",
    call.path.span,
    `there is neither a value nor a layer called \`${call.path.root.text}\``,
    suggest(
      call.path.root.text,
      [...known, ...layers],
      known.length === 0 ? LAYERS : `the names here are ${quoted(known)}; ${LAYERS}`,
    ),
  );
}

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

/** `x(3)` in an expression. */
export const valueIsCalled = (call: Call, meaning: Meaning): Diagnostic =>
  errorAt(
    "E204",
    call.path.span,
    `\`${call.path.root.text}\` is ${describe(meaning)}, and only functions and layers take arguments`,
  );

/** `True`, `False` and `None`, as Python has them. */
const constants: ReadonlySet<string> = new Set(["True", "False", "None"]);

export const capitalConstant = (span: Span, name: string): Diagnostic | undefined =>
  constants.has(name)
    ? errorAt("E201", span, `there is no value called \`${name}\``, {
        help: `it is written \`${name.toLowerCase()}\``,
        instead: name.toLowerCase(),
      })
    : undefined;

export const unboundDim = (span: Span, name: string, names: Iterable<string>): Diagnostic =>
  errorAt(
    "E207",
    span,
    `the dim \`${name}\` is not bound here`,
    suggest(
      name,
      [...names].filter((other) => /^[A-Z]/.test(other)),
      "dims are bound by the types of inputs",
    ),
  );
