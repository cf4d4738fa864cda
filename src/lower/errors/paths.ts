import type { Call, PathPart } from "../../language/ast/expressions.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import { around } from "../../language/mends.ts";
import { spanText, type Span } from "../../support/source.ts";
import { describe, type Meaning } from "../values/meaning.ts";
import { oneLine, suggest } from "./suggest.ts";
import { sameWord } from "./synonyms.ts";

/** `isLabel`: a layer may be used again at that path. */
export function pathIsNoLayer(
  call: Call,
  names: readonly string[],
  isTensor: boolean,
  isLabel: boolean,
): Diagnostic {
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
  const isUsedAgain = layer === undefined && isLabel && call.arguments === undefined;
  const isModule = layer !== undefined && !isTensor;
  const fix = isUsedAgain
    ? around(call.path.span, "same(", ")")
    : isModule
      ? [{ span: call.path.span, text: layer }]
      : undefined;
  return errorAt("E205", call.path.span, `\`${text}\` is no layer`, { help, ...(fix && { fix }) });
}

export const sameNeedsLabel = (call: Call): Diagnostic =>
  errorAt("E206", call.span, "`same` takes the label of the layer that is used again", {
    help: "for example `same(shared)` or `same(layers[0].attn)`",
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

/** `kinds[i]` past the end of a list, which is what stands before the brackets. */
export const indexOutside = (path: Span, brackets: Span, index: number, length: number): Diagnostic => {
  const list = oneLine(spanText({ ...path, end: brackets.start }));
  return errorAt("E209", brackets, `the index ${index} is outside \`${list}\`, a list of ${length}`, {
    help: length === 0 ? "the list is empty" : `indices go from 0 to ${length - 1}`,
  });
};

/** `x[0]` of a tensor. */
export const tensorIndexed = (span: Span, name: string, part: PathPart): Diagnostic => {
  const index = part.kind === "index" ? oneLine(spanText(part.value.span)) : "i";
  return errorAt("E230", span, `\`${name}\` is a tensor: brackets take a part of a list`, {
    help: `\`${name} -> select(${index}, axis: 0)\` takes one place of an axis, \`slice\` several`,
  });
};

/** `kinds[i]` of what is neither a list nor a repeat: most often of a list that was not given. */
export const valueIndexed = (span: Span, name: string, found: Meaning): Diagnostic =>
  errorAt(
    "E505",
    span,
    `\`${name}\` is ${describe(found)}: brackets take a part of a list, or a place of a \`repeat\``,
    {
      ...(found.kind === "none"
        ? { help: `\`${name} != none\` asks whether it is given: \`… if ${name} != none else …\`` }
        : {}),
    },
  );

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

/** `at`: where the name stands in the path. */
export const notInIteration = (span: Span, at: Span, name: string, names: Iterable<string>): Diagnostic => {
  const { help, misspelt } = suggest(name, names);
  return errorAt("E212", span, `no value called \`${name}\` was bound in that iteration`, {
    ...(help !== undefined && { help }),
    ...(misspelt && { fix: [{ span: at, text: misspelt.meant }] }),
  });
};
