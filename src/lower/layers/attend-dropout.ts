import type { Value } from "../../ir/graph.ts";
import { alibiSlopes } from "../../ops/evaluate/attend.ts";
import type { ScalarName } from "../../ops/scalar.ts";
import { dim, divideDims, multiplyDims, subtractDims, type Dim } from "../../tensor/dim.ts";
import type { Dtype } from "../../tensor/dtype.ts";
import type { Site } from "./define.ts";
import { knownSize, reshape } from "./shapes-of.ts";

export interface AttendParts {
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly bias: Value | undefined;
  readonly mask: Value | undefined;
  readonly causal: boolean;
  readonly window: number | undefined;
  readonly softcap: number;
  readonly scale: number;
  readonly alibi: boolean;
}

/**
 * dropout(softmax(scale · q kᵀ + bias)) v in ops of their own, whose probabilities [B, H, T, S] are kept for the backward:
 * what `attend` is while a model trains with dropout of them (Vaswani et al. 2017, as transformers' attn_pdrop). Equal to
 * the op `attend` for a rate of 0.
 */
export function attendWithDropout(site: Site, parts: AttendParts, rate: number): Value {
  const { q, mask } = parts;
  const shown = visible(site, parts);
  const scores = scoresOf(site, parts);
  const hidden = fill(site, q, hiddenScore(q.type.dtype));
  const masked =
    shown === undefined ? scores : site.emit("where", { condition: shown, x: scores, y: hidden }, {});
  const shares = site.emit("softmax", { x: masked }, { axis: -1 });
  // A row that sees nothing is zero, as in `attend`; without a mask every row sees itself.
  const seen =
    mask === undefined || shown === undefined
      ? shares
      : site.emit("where", { condition: shown, x: shares, y: fill(site, q, 0) }, {});
  const dropped = site.emit("dropout", { x: seen, key: undefined }, { rate });
  return product(site, dropped, parts.v, false);
}

/** Far below any score, and finite, so that a row without keys has a gradient. */
const hiddenScore = (dtype: Dtype): number => (dtype === "f16" ? -6e4 : -1e30);

const fill = (site: Site, like: Value, value: number): Value =>
  site.emit("full", {}, { dtype: like.type.dtype, shape: [], value });

const binary = (site: Site, op: ScalarName, x: Value, y: Value): Value => site.emit(op, { x, y }, {});

/** scale · q kᵀ, capped, with its bias: [B, H, T, S]. */
function scoresOf(site: Site, { q, k, bias, softcap, scale, alibi }: AttendParts): Value {
  let scores = binary(site, "mul", product(site, q, k, true), fill(site, q, scale));
  if (softcap > 0) {
    const cap = fill(site, q, softcap);
    const bounded = site.emit("tanh", { x: binary(site, "div", scores, cap) }, {});
    scores = binary(site, "mul", bounded, cap);
  }
  if (bias !== undefined) scores = binary(site, "add", scores, bias);
  return alibi ? binary(site, "sub", scores, penalties(site, q, k)) : scores;
}

/** a b or a bᵀ for a [B, H, .., ..] and b [B, G, .., ..]; each head of b serves H / G of a in a row. */
function product(site: Site, a: Value, b: Value, transpose: boolean): Value {
  const [batch, heads, rows, inner] = a.type.shape as readonly [Dim, Dim, Dim, Dim];
  const [keyBatch, groups, ...rest] = b.type.shape as readonly [Dim, Dim, Dim, Dim];
  const shared = divideDims(heads, groups);
  if (shared === undefined) return site.fail("the heads of q do not share those of k evenly", a);
  const grouped = reshape(site, a, [batch, groups, shared, rows, inner]);
  const wide = reshape(site, b, [keyBatch, groups, dim(1), ...rest]);
  const out = site.emit("matmul", { a: grouped, b: wide }, { transpose_b: transpose });
  return reshape(site, out, [batch, multiplyDims(groups, shared), rows, out.type.shape[4]!]);
}

/** Slope of the head times distance, [H, T, S] (Press et al. 2022). */
function penalties(site: Site, q: Value, k: Value): Value {
  const heads = knownSize(site, q, 1);
  const { dtype } = q.type;
  const slopes = site.emit(
    "constant",
    {},
    { dtype, shape: [dim(heads), dim(1), dim(1)], values: alibiSlopes(heads) },
  );
  const [rows, columns] = places(site, q, k);
  const distance = site.emit("abs", { x: binary(site, "sub", rows, columns) }, {});
  return binary(site, "mul", slopes, site.emit("cast", { x: distance }, { dtype }));
}

/** The places among the keys of queries [T, 1] and of keys [S]: query i stands at key i + S - T. */
function places(site: Site, q: Value, k: Value): readonly [Value, Value] {
  const [length, count] = [q.type.shape[2]!, k.type.shape[2]!];
  const columns = site.emit("iota", {}, { size: count });
  const start = subtractDims(count, length);
  const rows = site.emit("slice", { x: columns }, { axis: 0, start, size: length });
  return [reshape(site, rows, [length, dim(1)]), columns];
}

/** Which keys each query sees, if it does not see all. */
function visible(site: Site, { q, k, mask, causal, window }: AttendParts): Value | undefined {
  const conditions: Value[] = mask === undefined ? [] : [mask];
  if (causal || window !== undefined) {
    const [rows, columns] = places(site, q, k);
    if (causal) conditions.push(binary(site, "ge", rows, columns));
    if (window !== undefined) {
      const distance = site.emit("abs", { x: binary(site, "sub", rows, columns) }, {});
      const limit = site.emit("full", {}, { dtype: "i32", shape: [], value: window });
      conditions.push(binary(site, "lt", distance, limit));
    }
  }
  const [first, ...others] = conditions;
  return first && others.reduce((all, condition) => binary(site, "and", all, condition), first);
}
