import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { attentionAxes, type AttentionAxes } from "../../../kernels/attention.ts";
import type { View } from "../../../kernels/view.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, type Dim } from "../../../tensor/dim.ts";
import type { KernelBuilder } from "../builder.ts";
import { floatText } from "../text.ts";

/** What attention and its gradient have in common: how their operands lie, and what a score is. */
export type AttendAttributes = StepOf<"attend">["attrs"];

/** Batch, head and row of an operand: sizes and strides; elements of a row. */
export interface Axes extends Omit<AttentionAxes, "width"> {
  readonly width: number;
}

export function axesOf(view: View, layout: AttendAttributes["layout"]): Axes {
  const axes = attentionAxes(view, layout);
  return { ...axes, width: widthOf(axes.width) };
}

export function widthOf(size: Dim): number {
  const width = constantDim(size);
  invariant(width !== undefined, "attention needs head widths known at compile time");
  return width;
}

const sum = (terms: readonly string[]): string => terms.filter((term) => term !== "").join(" + ") || "0u";

/** Where the row of a head begins, by batch, head and row. Declares the strides. */
export function rowPlace(
  builder: KernelBuilder,
  name: string,
  { batch, head, row }: Axes,
): (b: string, h: string, row: string) => string {
  const terms = [
    builder.strides(`${name}_batch`, batch.stride),
    builder.strides(`${name}_head`, head.stride),
    builder.strides(`${name}_row`, row.stride),
  ];
  return (...at) => sum(terms.map((term, axis) => term(at[axis]!)));
}

/** Where the element of a bias or mask stands that belongs to the score of query i and key j. */
export const scorePlace = (builder: KernelBuilder, name: string, view: View, b: string): string =>
  sum(
    [b, "h", "i", "j"].map((index, axis) =>
      builder.stride(index, `${name}_axis${axis}`, view.strides[axis]!),
    ),
  );

/** Declares the sizes that say how queries and keys stand to each other, and what scores need. */
export function declareScores(builder: KernelBuilder, query: Axes, key: Axes, attrs: AttendAttributes) {
  const sizes = {
    heads: builder.size("heads", query.head.size),
    keyHeads: builder.size("key_heads", key.head.size),
    queries: builder.size("queries", query.row.size),
    keys: builder.size("keys", key.row.size),
  };
  if (attrs.alibi) {
    const slopes = alibiSlopes(widthOf(query.head.size));
    builder.declare(`const slopes = array<f32, ${slopes.length}>(${slopes.map(floatText).join(", ")});`);
  }
  builder.declare("// Below every score: marks a key that is not seen.", "const hidden = -3.4e38;");
  return sizes;
}

/**
 * What decides whether key j is seen by the query at `position`, and the lines that make `score` of `product`; `slope` is
 * the derivative of the score with respect to the scaled product, if that is not 1.
 */
export function scoreLines(
  builder: KernelBuilder,
  attrs: AttendAttributes,
  { bias, mask }: { readonly bias: string | undefined; readonly mask: string | undefined },
): { conditions: string[]; lines: Code[]; slope: string | undefined } {
  const distance = "abs(position - i32(j))";
  const conditions = [
    ...(attrs.causal ? ["i32(j) <= position"] : []),
    ...(attrs.window === undefined ? [] : [`${distance} < ${attrs.window}i`]),
    ...(mask === undefined ? [] : [`${mask} != 0`]),
  ];
  const scaled = `${floatText(attrs.scale)} * product`;
  const caps = attrs.softcap > 0;
  if (caps) builder.helper("safe_tanh");
  const cap = floatText(attrs.softcap);
  const terms = [
    caps ? `${cap} * capped` : scaled,
    ...(bias === undefined ? [] : [`+ ${bias}`]),
    ...(attrs.alibi ? [`- slopes[h] * f32(${distance})`] : []),
  ];
  const lines = [
    ...(caps ? [`let capped = safe_tanh((${scaled}) / ${cap});`] : []),
    `score = ${terms.join(" ")};`,
  ];
  return { conditions, lines, slope: caps ? "1.0 - capped * capped" : undefined };
}

/** Words for the name of a kernel. */
export const attendWords = (
  attrs: AttendAttributes,
  { bias, mask }: { readonly bias: unknown; readonly mask: unknown },
): string[] => [
  ...(attrs.causal ? ["causal"] : []),
  ...(attrs.window === undefined ? [] : ["window"]),
  ...(attrs.softcap > 0 ? ["softcap"] : []),
  ...(attrs.alibi ? ["alibi"] : []),
  ...(bias === undefined ? [] : ["bias"]),
  ...(mask === undefined ? [] : ["mask"]),
];
