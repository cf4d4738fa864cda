import type { RowNormKind } from "../../../ops/evaluate/norm.ts";
import { isFloat, type Dtype } from "../../../tensor/dtype.ts";
import type { Code } from "../../../support/text.ts";
import type { CallBuilder } from "../call.ts";
import { forLoop, numberText } from "../../module/text.ts";

/** What a norm does to a normalized element; texts are the elements of row `i`. */
export interface Affine {
  readonly weight: string | undefined;
  readonly bias: string | undefined;
  readonly unitOffset: boolean;
}

/** The statistics of a row under names that begin with `prefix`, and the normalized element. */
export interface NormText {
  readonly lines: readonly Code[];
  /** The normalized element for an expression of the element. */
  readonly normalized: (element: string) => string;
}

/**
 * Statistics over `width` elements, mean first and then the variance about it: one pass with E[x²] - E[x]² cancels for
 * a large mean with a small spread. Sums are float64, as every local number of JavaScript is.
 */
export function normText(kind: RowNormKind, eps: number, element: string, prefix = ""): NormText {
  const [mean, squares, scale] = ["mean", "squares", "scale"].map((name) =>
    prefix === "" ? name : `${prefix}_${name}`,
  ) as [string, string, string];
  if (kind === "layer") {
    const sum = prefix === "" ? "total" : `${prefix}_total`;
    const lines = [
      `let ${sum} = 0;`,
      ...forLoop("i", "width", [`${sum} += ${element};`]),
      `const ${mean} = ${sum} / width;`,
      `let ${squares} = 0;`,
      ...forLoop("i", "width", [`const d = ${element} - ${mean};`, `${squares} += d * d;`]),
      `const ${scale} = 1 / Math.sqrt(${squares} / width + ${numberText(eps)});`,
    ];
    return { lines, normalized: (x) => `(${x} - ${mean}) * ${scale}` };
  }
  const root =
    kind === "rms"
      ? `1 / Math.sqrt(${squares} / width + ${numberText(eps)})`
      : `1 / Math.max(Math.sqrt(${squares}), ${numberText(eps)})`;
  const lines = [
    `let ${squares} = 0;`,
    ...forLoop("i", "width", [`const e = ${element};`, `${squares} += e * e;`]),
    `const ${scale} = ${root};`,
  ];
  return { lines, normalized: (x) => `${x} * ${scale}` };
}

/** normalized · weight + bias, rounded where a half-precision model rounds. */
export function affineText(
  call: CallBuilder,
  normalized: string,
  { weight, bias, unitOffset }: Affine,
  dtype: Dtype,
  cast: "before" | "after",
): string {
  const round = rounding(call, dtype);
  const inner = cast === "before" && weight !== undefined ? round(normalized) : normalized;
  const factor = weight === undefined ? "" : unitOffset ? ` * (1 + ${weight})` : ` * ${weight}`;
  return round(`${inner}${factor}${bias === undefined ? "" : ` + ${bias}`}`);
}

/** Rounds an expression to a half-precision dtype; other floats round when they are stored. */
export function rounding(call: CallBuilder, dtype: Dtype): (text: string) => string {
  if (!isFloat(dtype) || dtype === "f32" || dtype === "f64") return (text) => text;
  call.helper("round_half");
  return (text) =>
    dtype === "f16"
      ? `round_half(${text}, 10, -14, 65504)`
      : `round_half(${text}, 7, -126, 3.3895313892515355e38)`;
}
