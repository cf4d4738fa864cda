import type { NodeOf, Value } from "../../../ir/graph.ts";
import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import { constantDim, dim, multiplyDims, sameDim, subtractDims, type Dim } from "../../../tensor/dim.ts";
import type { Exporter } from "../exporter.ts";
import { range } from "./create.ts";
import { swapped } from "./shape.ts";

type Attend = NodeOf<"attend">;

/** What a hidden score becomes: the least number of float32, which a score beside it does not change. */
const HIDDEN = -3.4028234663852886e38;

/** The sizes of attention, and its operands with the heads first. */
interface Heads {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  readonly batch: Dim;
  readonly heads: Dim;
  readonly groups: Dim;
  readonly rows: Dim;
  readonly columns: Dim;
}

/** Which scores are seen, and what is added to them; undefined where that is all, and nothing. */
interface Scores {
  /** bool, that stretches to [B, H, T, S]. */
  readonly seen: string | undefined;
  /** f32, that stretches to [B, H, T, S]. */
  readonly added: string | undefined;
  /** The op itself hides later keys. */
  readonly isCausal: boolean;
}

export function attend(exporter: Exporter, node: Attend): string {
  const { q, k, v } = node.operands;
  const { layout, causal, window, softcap } = node.attrs;
  const headsLast = layout === "heads_last";
  const first = (value: Value): string =>
    headsLast ? swapped(exporter, exporter.name(value), 4, 1, 2) : exporter.name(value);
  const [head, row] = headsLast ? [2, 1] : [1, 2];
  const heads: Heads = {
    q: first(q),
    k: first(k),
    v: first(v),
    batch: q.type.shape[0]!,
    heads: q.type.shape[head]!,
    groups: k.type.shape[head]!,
    rows: q.type.shape[row]!,
    columns: k.type.shape[row]!,
  };
  const { mask, bias } = node.operands;
  const changes = causal || window !== undefined || mask !== undefined || bias !== undefined;
  // Versions of the op differ in whether a softcap comes before what hides and biases scores: a hidden one would be capped and seen.
  const isOp = exporter.opset >= 23 && !(softcap > 0 && changes);
  const isSquare = sameDim(heads.rows, heads.columns);
  const scores = scoresOf(exporter, node, heads, isOp && causal && isSquare && window === undefined);
  const made = isOp ? attention(exporter, node, heads, scores) : expanded(exporter, node, heads, scores);
  const whole =
    mayBeEmpty(node, heads) && scores.seen !== undefined ? withZeros(exporter, made, scores.seen) : made;
  return headsLast ? swapped(exporter, whole, 4, 1, 2) : whole;
}

/** Whether a row may see nothing; a causal one sees itself where no fewer keys than queries are. */
function mayBeEmpty({ operands: { mask } }: Attend, { rows, columns }: Heads): boolean {
  return mask !== undefined || subtractDims(columns, rows).terms.some(({ coefficient }) => coefficient < 0);
}

/** Rows that see nothing are zero, where a softmax would spread them over all keys. */
function withZeros(exporter: Exporter, made: string, seen: string): string {
  const { one, cast, number } = exporter;
  const any = exporter.once(`any ${seen}`, () =>
    cast(exporter.reduced("ReduceMax", cast(seen, "i32"), [3]), "bool"),
  );
  return one("Where", [any, made, number(0)]);
}

function scoresOf(
  exporter: Exporter,
  { operands: { bias, mask }, attrs }: Attend,
  heads: Heads,
  isCausal: boolean,
): Scores {
  const { one, name } = exporter;
  const { rows, columns } = heads;
  const near = isCausal ? undefined : nearKeys(exporter, attrs, rows, columns);
  const seen =
    mask === undefined
      ? near
      : exporter.once(`seen ${name(mask)} ${near ?? ""} ${rows.key} ${columns.key}`, () => {
          const given = name(mask);
          return near === undefined ? stretched(exporter, given, rows, columns) : one("And", [given, near]);
        });
  const slopes = attrs.alibi ? alibi(exporter, heads) : undefined;
  const added =
    bias === undefined ? slopes : slopes === undefined ? name(bias) : one("Add", [name(bias), slopes]);
  return { seen, added, isCausal };
}

/** What stretches to the scores, with all of its rows and columns, as run times want it. */
const stretched = ({ one, sizes }: Exporter, x: string, rows: Dim, columns: Dim): string =>
  one("Expand", [x, sizes([dim(1), dim(1), rows, columns])]);

/** i64[T, S]: how far each key lies before each query; query i stands at key i + S - T. */
const distances = (exporter: Exporter, rows: Dim, columns: Dim): string =>
  exporter.once(`distances ${rows.key} ${columns.key}`, () => {
    const { one, ints } = exporter;
    const query = one("Unsqueeze", [range(exporter, subtractDims(columns, rows), rows), ints(1)]);
    return one("Sub", [query, one("Unsqueeze", [range(exporter, dim(0), columns), ints(0)])]);
  });

/** bool[1, 1, T, S]: the keys that are not later and within the window, as far as either is asked for. */
function nearKeys(
  exporter: Exporter,
  { causal, window }: Attend["attrs"],
  rows: Dim,
  columns: Dim,
): string | undefined {
  if (!causal && window === undefined) return undefined;
  return exporter.once(`near ${causal} ${window} ${rows.key} ${columns.key}`, () => {
    const { one, int, ints } = exporter;
    const distance = distances(exporter, rows, columns);
    const past = causal ? [one("GreaterOrEqual", [distance, int(0)])] : [];
    const within = window === undefined ? [] : [one("Less", [one("Abs", [distance]), int(window)])];
    const near = [...past, ...within].reduce((a, b) => one("And", [a, b]));
    return one("Unsqueeze", [near, ints(0, 1)]);
  });
}

/** f32[1, H, T, S]: -slope · distance. */
function alibi(exporter: Exporter, { heads, rows, columns }: Heads): string {
  const count = constantDim(heads)!;
  return exporter.once(`alibi ${count} ${rows.key} ${columns.key}`, () => {
    const { one, cast } = exporter;
    const slopes = exporter.floats(
      [1, count, 1, 1],
      alibiSlopes(count).map((slope) => -slope),
      "slopes",
    );
    return one("Mul", [cast(one("Abs", [distances(exporter, rows, columns)]), "f32"), slopes]);
  });
}

/** The op that opset 23 has. */
function attention(
  exporter: Exporter,
  { attrs }: Attend,
  { q, k, v, rows, columns }: Heads,
  scores: Scores,
): string {
  const { seen, added, isCausal } = scores;
  const mask =
    added === undefined
      ? seen
      : exporter.once(`mask ${added} ${seen ?? ""}`, () =>
          stretched(exporter, hidden(exporter, added, seen), rows, columns),
        );
  return exporter.one("Attention", [q, k, v, mask ?? ""], {
    scale: { float: attrs.scale },
    ...(isCausal ? { is_causal: 1 } : {}),
    ...(attrs.softcap > 0 ? { softcap: { float: attrs.softcap } } : {}),
  });
}

const hidden = ({ one, number }: Exporter, scores: string, seen: string | undefined): string =>
  seen === undefined ? scores : one("Where", [seen, scores, number(HIDDEN)]);

/** softmax(scale · q kᵀ + …) v as the products that it is; the queries that share a head of keys lie one after the other. */
function expanded(
  exporter: Exporter,
  { operands, attrs }: Attend,
  heads: Heads,
  { seen, added }: Scores,
): string {
  const { one, number, ints, sizes } = exporter;
  const { batch, heads: count, groups, rows, columns } = heads;
  const [width, valueWidth] = [operands.q, operands.v].map(({ type }) => constantDim(type.shape[3]!)!);
  const isGrouped = !sameDim(count, groups);
  const scaled = one("Mul", [heads.q, number(attrs.scale)]);
  const together = isGrouped ? one("Reshape", [scaled, ints(0, constantDim(groups)!, -1, width!)]) : scaled;
  let scores = one("MatMul", [together, swapped(exporter, heads.k, 4, 2, 3)]);
  if (isGrouped) scores = one("Reshape", [scores, sizes([batch, count, rows, columns])]);
  if (attrs.softcap > 0) {
    const cap = number(attrs.softcap);
    scores = one("Mul", [one("Tanh", [one("Div", [scores, cap])]), cap]);
  }
  if (added !== undefined) scores = one("Add", [scores, added]);
  const weights = one("Softmax", [hidden(exporter, scores, seen)], { axis: -1 });
  if (!isGrouped) return one("MatMul", [weights, heads.v]);
  const shared = multiplyDims(rows, dim(constantDim(count)! / constantDim(groups)!));
  const grouped = one("Reshape", [weights, sizes([batch, groups, shared, columns])]);
  return one("Reshape", [one("MatMul", [grouped, heads.v]), ints(0, constantDim(count)!, -1, valueWidth!)]);
}
