import type { Binary, BinaryOperator, Call } from "../../language/ast/expressions.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import { spanText, type Span } from "../../support/source.ts";
import { showDim, type Dim } from "../../tensor/dim.ts";
import { dtypes, isFloat } from "../../tensor/dtype.ts";
import { broadcastShapes, showType, type TensorType } from "../../tensor/type.ts";
import { describe, showMeaning, type Meaning } from "../values/meaning.ts";
import { oneLine } from "./suggest.ts";

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

export const notComparable = (binary: Binary, left: Meaning, right: Meaning): Diagnostic =>
  errorAt(
    "E323",
    binary.operatorSpan,
    `\`${binary.operator}\` cannot compare ${describe(left)} with ${describe(right)}`,
    left.kind === "dim" || right.kind === "dim"
      ? { help: "sizes of the run are not known yet; `T <= 128` in the type of an input bounds one" }
      : {},
  );

export const notAList = (binary: Binary, right: Meaning): Diagnostic =>
  errorAt("E323", binary.right.span, `on the right of \`in\` stands a list, found ${describe(right)}`, {
    help: 'write the values that it may be: `kind in ["silu", "gelu"]`',
  });

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

export const operandsDoNotFit = (binary: Binary, x: TensorType, y: TensorType): Diagnostic => {
  const sides = `${showType(x)} ${binary.operator} ${showType(y)}`;
  const { message, help } = whyTensorsDoNotFit(binary, x, y);
  return errorAt("E401", binary.operatorSpan, `${sides} ${message}`, {
    more: [
      { span: binary.left.span, text: showType(x) },
      { span: binary.right.span, text: showType(y) },
    ],
    ...(help === undefined ? {} : { help }),
  });
};

interface Reason {
  readonly message: string;
  readonly help?: string;
}

function whyTensorsDoNotFit({ operator, left, right }: Binary, x: TensorType, y: TensorType): Reason {
  if (broadcastShapes(x.shape, y.shape) === undefined) {
    const shorter = isPrefix(x, y) ? left : isPrefix(y, x) ? right : undefined;
    const help = "shapes meet at their last axes: ";
    return {
      message: "does not broadcast",
      ...(shorter && { help: `${help}\`(${oneLine(spanText(shorter.span))} -> unsqueeze(-1))\`` }),
    };
  }
  if (operator === "and" || operator === "or")
    return {
      message: "has no meaning: `and` and `or` combine bools",
      help: "a comparison gives bools: `x > 0`",
    };
  if (x.dtype === "bool" && y.dtype === "bool")
    return {
      message: "has no meaning: these are bools",
      help: "`and`, `or` and `not` combine bools; `cast(f32)` makes numbers of them",
    };
  if (operator === "/" && !isFloat(x.dtype) && !isFloat(y.dtype))
    return {
      message: "has no meaning: whole numbers are not divided",
      help: `cast one of them first: \`(${oneLine(spanText(left.span))} -> cast(f32))\``,
    };
  return {
    message: "mixes dtypes",
    help: `cast one of them: \`(${oneLine(spanText(right.span))} -> cast(${x.dtype}))\``,
  };
}

/** True if one more axis at the end would do. */
const isPrefix = (short: TensorType, long: TensorType): boolean =>
  short.shape.length + 1 === long.shape.length &&
  short.shape.length > 0 &&
  short.shape.every((size, axis) => size.key === long.shape[axis]!.key);

export const notABoolTensor = (span: Span, type: TensorType): Diagnostic =>
  errorAt("E328", span, `\`not\` takes bools, got ${showType(type)}`, {
    help: "a comparison gives bools: `x > 0`",
  });

export const notATensor = (span: Span, meaning: Meaning): Diagnostic =>
  errorAt(
    "E402",
    span,
    `a tensor is needed here, got ${describe(meaning)}`,
    meaning.kind === "tuple"
      ? {
          help: "`->` binds loosest: what the tuple flows into stands in parentheses with it, `a + ((x, y) -> f)`",
        }
      : {},
  );
