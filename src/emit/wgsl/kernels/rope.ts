import { readsLength, ropeFrequencies, ropeWidth } from "../../../ops/evaluate/rope.ts";
import type { StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../kernels/view.ts";
import { invariant } from "../../../support/invariant.ts";
import type { Code } from "../../../support/text.ts";
import { constantDim, dim, type Dim } from "../../../tensor/dim.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachElement, LIST_SIZE, places } from "../walk.ts";

/** Decimal digits that tell an f32 from its neighbours. */
const F32_DIGITS = 9;

type Attrs = StepOf<"rope">["attrs"];

/** An invocation a pair of channels, which it turns by position × frequency, or a channel that stays. */
export const rope: WgslKernel<"rope"> = ({ operands: { x, positions }, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x, positions }, { out });
  const row = attrs.layout === "heads_first" ? 2 : 1;
  const headWidth = constantDim(x.type.shape[3]!);
  invariant(headWidth !== undefined, "rope needs a head width known at compile time");
  const width = ropeWidth(attrs, headWidth);
  const pairs = width / 2;
  const units = headWidth - pairs;
  builder.declare(`const pairs = ${pairs}u;`, `const units = ${units}u;`);
  // A place for each pair, then one for each channel that stays.
  const shape = [...x.type.shape.slice(0, 3), dim(units)];
  const each = eachElement(builder, shape);
  const vectors = places(builder, "vector", x.type.shape.slice(0, 3), [
    { name: "x", strides: x.strides.slice(0, 3) },
    { name: "out", strides: out.strides.slice(0, 3) },
    { name: "position", strides: tokenStrides(positions, row) },
  ]);
  const [first, second] =
    attrs.pairs === "halves" ? ["unit", "unit + pairs"] : ["2u * unit", "2u * unit + 1u"];
  const magnitude = attrs.attention_factor;
  builder.helper("cosine_and_sine");
  const put = (at: string, value: string): string => tensors.out.put(`out_at + ${at}`, value);
  const position = tensors.positions?.at(vectors.at[2]!) ?? vectors.at[2]!;
  const frequency = frequencyText(builder, attrs, headWidth, x.type.shape[row]!, tensors.positions);
  const body = [
    ...each.lines,
    "let unit = i % units;",
    "let vector = i / units;",
    ...vectors.lines,
    `let x_at = ${vectors.at[0]!};`,
    `let out_at = ${vectors.at[1]!};`,
    ...(units === pairs
      ? []
      : ifThen("unit >= pairs", [put("pairs + unit", tensors.x.at("x_at + pairs + unit")), "return;"])),
    ...frequency.lines,
    `let turn = ${magnitude === 1 ? "" : `${floatText(magnitude)} * `}cosine_and_sine(f32(${position}) * ${frequency.text});`,
    `let u = ${tensors.x.at(`x_at + ${first}`)};`,
    `let v = ${tensors.x.at(`x_at + ${second}`)};`,
    put(first, `u * turn.x ${attrs.inverse ? "+" : "-"} v * turn.y`),
    put(second, `v * turn.x ${attrs.inverse ? "-" : "+"} u * turn.y`),
  ];
  const doc = `Rotary positions: pairs of the first ${width} channels, ${attrs.pairs}, scaling ${attrs.scaling}.`;
  const name = [
    "rope",
    ...(attrs.pairs === "halves" ? [] : ["interleaved"]),
    ...(attrs.inverse ? ["inverse"] : []),
  ].join("_");
  return [builder.finish({ name, doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups })];
};

/** Strides of the position over [batch, …] as x lies: those of the tensor, or 1 a row. */
function tokenStrides(positions: View | undefined, row: number): Dim[] {
  const strides = [dim(0), dim(0), dim(0)];
  if (positions !== undefined) strides[0] = positions.strides[0]!;
  strides[row] = positions === undefined ? dim(1) : positions.strides[1]!;
  return strides;
}

/** Radians a position: numbers; longrope has one list for short texts, one for long; the base of `dynamic` grows. */
function frequencyText(
  builder: KernelBuilder,
  attrs: Attrs,
  headWidth: number,
  rows: Dim,
  positions: Tensor | undefined,
): { lines: Code[]; text: string } {
  const { theta, factor, original, scaling } = attrs;
  const width = ropeWidth(attrs, headWidth);
  const lines = readsLength(attrs) ? lengthLines(builder, rows, positions) : [];
  if (scaling === "dynamic")
    return {
      lines: [
        ...lines,
        `let stretch = ${floatText(factor)} * max(length, ${floatText(original)}) / ${floatText(original)} - ${floatText(factor - 1)};`,
        `let base = ${floatText(theta)} * pow(stretch, ${floatText(width / (width - 2))});`,
        `let frequency = pow(base, -2.0 * f32(unit) / ${floatText(width)});`,
      ],
      text: "frequency",
    };
  if (scaling !== "longrope") {
    declareList(builder, "frequencies", ropeFrequencies(attrs, headWidth, 1));
    return { lines, text: "frequencies[unit]" };
  }
  declareList(builder, "in_short", ropeFrequencies(attrs, headWidth, original));
  declareList(builder, "in_long", ropeFrequencies(attrs, headWidth, original + 1));
  return {
    lines,
    text: `select(in_short[unit], in_long[unit], length > ${floatText(original)})`,
  };
}

function declareList(builder: KernelBuilder, name: string, values: Float64Array): void {
  const numbers = [...values].map((value) => floatText(Number(value.toPrecision(F32_DIGITS))));
  const lines = Array.from(
    { length: Math.ceil(numbers.length / 8) },
    (_, at) => `${numbers.slice(8 * at, 8 * at + 8).join(", ")},`,
  );
  builder.declare(`const ${name} = array<f32, ${numbers.length}>(`, lines, ");");
}

/** The length of the text: the largest position + 1. */
function lengthLines(builder: KernelBuilder, rows: Dim, positions: Tensor | undefined): Code[] {
  if (positions === undefined) return [`let length = f32(${builder.size("length_rows", rows)});`];
  const batch = builder.size("position_batch", positions.view.type.shape[0]!);
  const count = builder.size("position_rows", positions.view.type.shape[1]!);
  const terms = [
    builder.stride("b", "length_batch", positions.view.strides[0]!),
    builder.stride("t", "length_row", positions.view.strides[1]!),
  ].filter((term) => term !== "");
  return [
    "var last = 0;",
    ...forLoop(
      "b",
      batch,
      forLoop("t", count, [`last = max(last, ${positions.at(terms.join(" + ") || "0u")});`]),
    ),
    "let length = f32(last + 1);",
  ];
}
