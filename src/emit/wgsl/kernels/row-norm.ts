import type { Code } from "../../../support/text.ts";
import type { Dtype } from "../../../tensor/dtype.ts";
import type { RowNormKind } from "../../../ops/evaluate/norm.ts";
import type { KernelBuilder } from "../builder.ts";
import { floatText } from "../text.ts";
import { declareFold, overRow } from "./row.ts";

/** What a norm does to a normalized element; texts are the elements of row `i`. */
export interface Affine {
  readonly weight: string | undefined;
  readonly bias: string | undefined;
  readonly unitOffset: boolean;
}

interface Statistics {
  readonly kind: RowNormKind;
  readonly eps: number;
  readonly lanes: number;
  /** The element `i`, and the lines that must come before it. */
  readonly element: { readonly lines: readonly Code[]; readonly text: string };
  readonly prefix?: string;
  readonly builder: KernelBuilder;
}

/** The statistics of a row under names that begin with `prefix`, and the normalized element. */
export interface NormText {
  readonly lines: readonly Code[];
  readonly normalized: (element: string) => string;
}

/**
 * Statistics over `width` elements in f32, mean first and then the variance about it: one pass with E[x²] - E[x]²
 * cancels for a large mean with a small spread. The rounding of such a mean would still show, so what it is off by (the
 * mean deviation, `drift`) is found along with the variance and taken away as well.
 */
export function normText({ builder, kind, eps, lanes, element, prefix = "" }: Statistics): NormText {
  const named = (name: string): string => (prefix === "" ? name : `${prefix}_${name}`);
  const [mean, squares, scale] = [named("mean"), named("squares"), named("scale")];
  const sum = declareFold(builder, "sum", lanes);
  if (kind === "layer") {
    const sums = declareFold(builder, "sums", lanes);
    const [total, deviations, drift] = [named("total"), named("deviations"), named("drift")];
    const lines = [
      `var ${total} = 0.0;`,
      ...overRow(lanes, "width", [...element.lines, `${total} += ${element.text};`]),
      `let ${mean} = ${sum(total)} / f32(width);`,
      `var ${deviations} = vec2f();`,
      ...overRow(lanes, "width", [
        ...element.lines,
        `let d = ${element.text} - ${mean};`,
        `${deviations} += vec2f(d, d * d);`,
      ]),
      `let ${squares} = ${sums(deviations)} / f32(width);`,
      `let ${drift} = ${squares}.x;`,
      `let ${scale} = inverseSqrt(max(${squares}.y - ${drift} * ${drift}, 0.0) + ${floatText(eps)});`,
    ];
    return { lines, normalized: (x) => `(${x} - ${mean} - ${drift}) * ${scale}` };
  }
  if (kind === "l2") builder.helper("larger");
  const root =
    kind === "rms"
      ? `inverseSqrt(${sum(squares)} / f32(width) + ${floatText(eps)})`
      : `1.0 / larger(sqrt(${sum(squares)}), ${floatText(Math.max(eps, 1e-37))})`;
  const lines = [
    `var ${squares} = 0.0;`,
    ...overRow(lanes, "width", [...element.lines, `let d = ${element.text};`, `${squares} += d * d;`]),
  ];
  return { lines: [...lines, `let ${scale} = ${root};`], normalized: (x) => `${x} * ${scale}` };
}

/** normalized · weight + bias, rounded where a half-precision model rounds. */
export function affineText(
  builder: KernelBuilder,
  normalized: string,
  { weight, bias, unitOffset }: Affine,
  dtype: Dtype,
  cast: "before" | "after",
): string {
  const round = rounding(builder, dtype);
  const inner = cast === "before" && weight !== undefined ? round(normalized) : normalized;
  const factor = weight === undefined ? "" : unitOffset ? ` * (1.0 + ${weight})` : ` * ${weight}`;
  return round(`${inner}${factor}${bias === undefined ? "" : ` + ${bias}`}`);
}

/** Rounds an expression to a half-precision dtype; other floats round when they are stored. */
export function rounding(builder: KernelBuilder, dtype: Dtype): (text: string) => string {
  if (dtype !== "f16" && dtype !== "bf16") return (text) => text;
  builder.helper(`round_${dtype}`);
  return (text) => `round_${dtype}(${text})`;
}
