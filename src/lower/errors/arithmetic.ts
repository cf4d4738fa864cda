import type { Binary, BinaryOperator, Call } from "../../language/ast.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import { spanText, type Span } from "../../support/source.ts";
import { showDim, type Dim } from "../../tensor/dim.ts";
import { dtypes } from "../../tensor/dtype.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { describe, showMeaning, type Meaning } from "../meaning.ts";

export const noArithmetic = (
  span: Span,
  operator: BinaryOperator,
  left: Meaning,
  right: Meaning,
): Diagnostic =>
  errorAt("E320", span, `\`${operator}\` does not work on ${describe(left)} and ${describe(right)}`);

export const notFinite = (span: Span, operator: BinaryOperator, left: Meaning, right: Meaning): Diagnostic =>
  errorAt("E321", span, `${showMeaning(left)} ${operator} ${showMeaning(right)} is no finite number`);

export const noDimArithmetic = (span: Span, operator: BinaryOperator, a: Dim, b: Dim): Diagnostic =>
  errorAt("E322", span, `${showDim(a)} ${operator} ${showDim(b)} is not known before the model runs`, {
    help:
      operator === "/"
        ? "`div(a, b)` is the whole part of a run-time size by a whole number"
        : "sizes of the run have + - * and exact /",
  });

export const notComparable = (binary: Binary, left: Meaning, right: Meaning): Diagnostic => {
  const isTensor = left.kind === "tensor" || right.kind === "tensor";
  return errorAt(
    "E323",
    binary.operatorSpan,
    `\`${binary.operator}\` cannot compare ${describe(left)} with ${describe(right)}`,
    {
      ...(isTensor ? { help: "tensors are compared by layers, element by element: `(x, y) -> lt`" } : {}),
    },
  );
};

export const functionArity = (call: Call, least: number, most: number): Diagnostic => {
  const count = least === most ? String(least) : `${least} to ${most}`;
  return errorAt(
    "E324",
    call.span,
    `\`${call.path.root.text}\` takes ${count} ${most === 1 ? "number" : "numbers"} without names`,
  );
};

export const functionOfWhat = (call: Call, meanings: readonly Meaning[]): Diagnostic => {
  const name = call.path.root.text;
  const isTensor = meanings.some((meaning) => meaning.kind === "tensor");
  return errorAt("E325", call.span, `\`${name}\` has no value for ${meanings.map(describe).join(" and ")}`, {
    ...(isTensor ? { help: `tensors flow through arrows: \`x -> ${name}\`` } : {}),
  });
};

export const roundToWhat = (span: Span): Diagnostic =>
  errorAt("E326", span, `\`${spanText(span)}\` is no dtype`, { help: `dtypes are ${dtypes.join(", ")}` });

export const noTensorOperator = (binary: Binary): Diagnostic =>
  errorAt("E327", binary.operatorSpan, `\`${binary.operator}\` does not work on tensors`, {
    help:
      binary.operator === "%"
        ? "`(x, y) -> mod` is the remainder, element by element"
        : "tensors have + - * / ^",
  });

export const operandsDoNotFit = (binary: Binary, x: TensorType, y: TensorType): Diagnostic =>
  errorAt(
    "E401",
    binary.operatorSpan,
    `${showType(x)} ${binary.operator} ${showType(y)} does not broadcast`,
    {
      more: [
        { span: binary.left.span, text: showType(x) },
        { span: binary.right.span, text: showType(y) },
      ],
    },
  );

export const notATensor = (span: Span, meaning: Meaning): Diagnostic =>
  errorAt("E402", span, `a tensor is needed here, got ${describe(meaning)}`);
