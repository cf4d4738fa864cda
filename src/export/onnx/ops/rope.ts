import type { NodeOf } from "../../../ir/graph.ts";
import { readsLength, ropeFrequencies, ropeWidth } from "../../../ops/evaluate/rope.ts";
import { constantDim, dim, type Dim } from "../../../tensor/dim.ts";
import type { Exporter } from "../exporter.ts";
import { range } from "./create.ts";
import { swapped } from "./shape.ts";

type Rope = NodeOf<"rope">;

/** Sine and cosine of each pair at each position: [T, pairs], or [B, T, pairs] where each text has positions of its own. */
interface Turns {
  readonly cos: string;
  readonly sin: string;
  readonly perText: boolean;
}

export function rope(exporter: Exporter, node: Rope): string {
  const { x } = node.operands;
  const { layout } = node.attrs;
  const headsLast = layout === "heads_last";
  const [batch, second, third, width] = x.type.shape as readonly [Dim, Dim, Dim, Dim];
  const [heads, rows] = headsLast ? [second, third].toReversed() : [second, third];
  const turns = turnsOf(exporter, node, rows!);
  const name = exporter.name(x);
  const given = headsLast ? swapped(exporter, name, 4, 1, 2) : name;
  const head = { batch, heads: heads!, rows: rows!, width: constantDim(width)! };
  const turned =
    exporter.opset >= 23
      ? rotaryEmbedding(exporter, node, given, turns, head)
      : expanded(exporter, node, given, turns, head);
  return headsLast ? swapped(exporter, turned, 4, 1, 2) : turned;
}

interface Head {
  readonly batch: Dim;
  readonly heads: Dim;
  readonly rows: Dim;
  readonly width: number;
}

/** x [B, H, T, K] by the op that opset 23 has. */
function rotaryEmbedding(
  exporter: Exporter,
  { attrs }: Rope,
  x: string,
  { cos, sin, perText }: Turns,
  { batch, heads, rows, width }: Head,
): string {
  const { one, ints, sizes } = exporter;
  const turned = ropeWidth(attrs, width);
  const ids = perText
    ? ""
    : exporter.once(`rows ${batch.key} ${rows.key}`, () =>
        one("Expand", [one("Unsqueeze", [range(exporter, dim(0), rows), ints(0)]), sizes([batch, rows])]),
      );
  return one("RotaryEmbedding", [x, cos, sin, ids], {
    interleaved: attrs.pairs === "interleaved" ? 1 : 0,
    ...(turned === width ? {} : { rotary_embedding_dim: turned, num_heads: constantDim(heads)! }),
  });
}

/** The same as products and sums: (a, b) becomes (a cos - b sin, b cos + a sin). */
function expanded(
  exporter: Exporter,
  { attrs }: Rope,
  x: string,
  { cos, sin, perText }: Turns,
  { width }: Head,
): string {
  const { one, ints } = exporter;
  const turned = ropeWidth(attrs, width);
  const part = (start: number, end: number, step = 1): string =>
    one("Slice", [x, ints(start), ints(end), ints(3), ints(step)]);
  const isHalves = attrs.pairs === "halves";
  const [a, b] = isHalves
    ? [part(0, turned / 2), part(turned / 2, turned)]
    : [part(0, turned, 2), part(1, turned, 2)];
  const [c, s] = [cos, sin].map((table) =>
    perText ? exporter.once(`heads ${table}`, () => one("Unsqueeze", [table, ints(1)])) : table,
  ) as [string, string];
  const first = one("Sub", [one("Mul", [a, c]), one("Mul", [b, s])]);
  const second = one("Add", [one("Mul", [b, c]), one("Mul", [a, s])]);
  const pairs = isHalves ? [first, second] : [interleaved(exporter, first, second, turned)];
  const rest = turned === width ? [] : [part(turned, width)];
  const all = [...pairs, ...rest];
  return all.length === 1 ? all[0]! : one("Concat", all, { axis: 3 });
}

function interleaved({ one, ints }: Exporter, first: string, second: string, turned: number): string {
  const both = [first, second].map((each) => one("Unsqueeze", [each, ints(4)]));
  return one("Reshape", [one("Concat", both, { axis: 4 }), ints(0, 0, 0, turned)]);
}

/** Once for all layers that turn alike. */
function turnsOf(exporter: Exporter, { operands: { x, positions }, attrs }: Rope, rows: Dim): Turns {
  // Where heads and pairs stand changes no angle.
  const turning = { ...attrs, layout: undefined, pairs: undefined };
  const width = constantDim(x.type.shape[3]!)!;
  const own = positions === undefined ? `to ${rows.key}` : exporter.name(positions);
  const key = `${JSON.stringify(turning)} ${width} ${own}`;
  const perText = positions?.type.shape.length === 2 && constantDim(positions.type.shape[0]!) !== 1;
  const angle = (): string =>
    anglesOf(exporter, { operands: { x, positions }, attrs } as Rope, rows, perText);
  const table = (op: "Cos" | "Sin", factor: number): string =>
    exporter.once(`${op} ${key}`, () => {
      const { one, number } = exporter;
      const made = one(op, [exporter.once(`angles ${key}`, angle)]);
      return factor === 1 ? made : one("Mul", [made, number(factor)]);
    });
  const { attention_factor: factor, inverse } = attrs;
  return { cos: table("Cos", factor), sin: table("Sin", inverse ? -factor : factor), perText };
}

/** Position × frequency, in radians. */
function anglesOf(exporter: Exporter, node: Rope, rows: Dim, perText: boolean): string {
  const { one, ints, cast } = exporter;
  const { positions } = node.operands;
  const given = positions === undefined ? range(exporter, dim(0), rows) : exporter.name(positions);
  const isRow = positions?.type.shape.length === 2 && !perText;
  const places = cast(isRow ? one("Squeeze", [given, ints(0)]) : given, "f32");
  return one("Mul", [one("Unsqueeze", [places, ints(perText ? 2 : 1)]), frequencies(exporter, node, rows)]);
}

/** f32[pairs], which two scalings make by the length of the text. */
function frequencies(exporter: Exporter, { operands: { x, positions }, attrs }: Rope, rows: Dim): string {
  const { one, number, cast } = exporter;
  const width = constantDim(x.type.shape[3]!)!;
  const at = (length: number): string => {
    const values = ropeFrequencies(attrs, width, length);
    return exporter.floats([values.length], values, "frequencies");
  };
  if (!readsLength(attrs)) return at(1);
  const length =
    positions === undefined
      ? cast(exporter.scalarSize(rows), "f32")
      : one("Add", [
          cast(
            exporter.reduced("ReduceMax", exporter.name(positions), axesOf(positions.type.shape), false),
            "f32",
          ),
          number(1),
        ]);
  const { original, factor, theta } = attrs;
  if (attrs.scaling === "longrope")
    return one("Where", [one("Greater", [length, number(original)]), at(original + 1), at(original)]);
  // θ (f · L / original - (f - 1))^(d / (d - 2)), of which pair i has the power -2i/d.
  const turned = ropeWidth(attrs, width);
  const grown = one("Mul", [one("Max", [length, number(original)]), number(factor / original)]);
  const base = one("Pow", [one("Sub", [grown, number(factor - 1)]), number(turned / (turned - 2))]);
  const powers = Float64Array.from({ length: turned / 2 }, (_, pair) => (-2 * pair) / turned);
  const ofTheta = Float64Array.from(powers, (power) => theta ** power);
  const changed = one("Pow", [base, exporter.floats([turned / 2], powers, "powers")]);
  return one("Mul", [changed, exporter.floats([turned / 2], ofTheta, "frequencies")]);
}

const axesOf = (shape: readonly Dim[]): readonly number[] => shape.map((_, axis) => axis);
