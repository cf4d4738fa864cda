import type { InputStatement } from "../../language/ast.ts";
import type { DimReference, TypeReference } from "../../language/ast/expressions.ts";
import type { OpName } from "../../ops/table.ts";
import { errorAt, warningAt, type Diagnostic, type Label } from "../../support/diagnostic.ts";
import { spanText, type Span } from "../../support/source.ts";
import { plural } from "../../support/text.ts";
import { showDim, type Dim } from "../../tensor/dim.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { describe, type Meaning } from "../values/meaning.ts";

/** Where the value was made that does not fit, with its type. */
const madeLabel = (made: Span | undefined, type: TensorType): readonly Label[] =>
  made === undefined ? [] : [{ span: made, text: `this is ${showType(type)}` }];

export function typeDiffers(
  size: DimReference & { readonly kind: "dim" },
  what: string,
  actual: TensorType,
  axis: number,
  expected: Dim,
  made: Span | undefined,
): Diagnostic {
  const found = showDim(actual.shape[axis]!);
  const written = spanText(size.value.span);
  const wanted = written === showDim(expected) ? written : `${written} = ${showDim(expected)}`;
  return errorAt(
    "E403",
    size.span,
    `axis ${axis} of \`${what}\` must be ${wanted}, but ${showType(actual)} has ${found} there`,
    {
      label: `expected ${showDim(expected)}, got ${found}`,
      more: madeLabel(made, actual),
    },
  );
}

export const rankDiffers = (
  type: TypeReference,
  what: string,
  actual: TensorType,
  made: Span | undefined,
): Diagnostic =>
  errorAt(
    "E404",
    type.span,
    `\`${what}\` must be ${spanText(type.span)}, but ${showType(actual)} has ${axes(actual)}`,
    {
      more: madeLabel(made, actual),
    },
  );

const axes = ({ shape }: TensorType): string => (shape.length === 1 ? "1 axis" : `${shape.length} axes`);

export const dtypeDiffers = (
  type: TypeReference,
  what: string,
  actual: TensorType,
  made: Span | undefined,
): Diagnostic =>
  errorAt(
    "E405",
    type.span,
    `\`${what}\` must be of ${type.dtype === undefined ? "a float dtype" : type.dtype.text}, got ${showType(actual)}`,
    {
      more: madeLabel(made, actual),
    },
  );

export const dimAboveBound = (size: DimReference, found: number, bound: number): Diagnostic =>
  errorAt("E406", size.span, `this dim is at most ${bound}, got ${found}`);

export const restInModel = (span: Span): Diagnostic =>
  errorAt("E407", span, "`..` stands for the dims of what a block is called with; a model names its dims", {
    help: "for example `[B, T, dim]`",
  });

export const boundNotPositive = (span: Span, bound: number): Diagnostic =>
  errorAt("E408", span, `a dim is at least 1, so nothing is bound by ${bound}`);

export const dimNotPositive = (span: Span, size: number): Diagnostic =>
  errorAt("E408", span, `a dim is at least 1, got ${size}`);

export const inputFill = (statement: InputStatement, meaning: Meaning): Diagnostic =>
  errorAt(
    "E410",
    statement.default!.span,
    `an input of a model that is left off is filled with a number, got ${describe(meaning)}`,
  );

export const inputTakes = (statement: InputStatement, meaning: Meaning): Diagnostic =>
  errorAt(
    "E411",
    statement.span,
    `the input \`${statement.name.text}\` takes a tensor, got ${describe(meaning)}`,
  );

export const sourceAfterArrow = (span: Span, name: string): Diagnostic =>
  errorAt("E412", span, `nothing flows into \`${name}\`: it begins a chain`, {
    help: `bind it, \`p = ${name}…\`, and use it as a value`,
  });

export function operandCount(
  span: Span,
  name: string,
  operands: readonly string[],
  found: number,
): Diagnostic {
  const names = operands.map((operand) => operand.replace("?", " (may be left off)").replace("*", ", …"));
  const least = operands.filter((operand) => !operand.endsWith("?")).length;
  const most = operands.length;
  const count = least === most ? plural(most, "operand") : `${least} to ${most} operands`;
  const tuple = operands.filter((operand) => !operand.endsWith("?")).join(", ");
  return errorAt("E413", span, `\`${name}\` takes ${count}: ${names.join(", ")}; got ${found}`, {
    ...(least > 1 ? { help: `write \`(${tuple}) -> ${name}\`` } : {}),
  });
}

export const layerRemark = (span: Span, message: string): Diagnostic => warningAt("W202", span, message);

export function layerDoesNotFit(
  span: Span,
  name: string,
  op: OpName | undefined,
  message: string,
  blamed: TensorType | undefined,
  made: Span | undefined,
): Diagnostic {
  const showsMaker = blamed !== undefined && made !== undefined && made !== span;
  return errorAt("E414", span, `\`${name}\`: ${message}`, {
    more: showsMaker ? madeLabel(made, blamed) : [],
    ...(op === undefined || op === name ? {} : { label: `makes \`${op}\`` }),
  });
}

interface ShapedBranch {
  readonly value: { readonly type: TensorType };
  readonly span: Span;
}

export const branchesDiffer = (branch: ShapedBranch, first: ShapedBranch, sum: TensorType): Diagnostic =>
  errorAt(
    "E415",
    branch.span,
    `the branches of \`parallel\` do not add up: ${showType(branch.value.type)} and ${showType(sum)}`,
    {
      label: showType(branch.value.type),
      more: [{ span: first.span, text: showType(first.value.type) }],
    },
  );
