import type { Value } from "../../ir/graph.ts";
import { constantDim, dim } from "../../tensor/dim.ts";
import { showType } from "../../tensor/type.ts";
import { defineLayer, flag, float, int, optionalFloat, optionalInt, size, type Site } from "./define.ts";
import { attendWithDropout } from "./attend-dropout.ts";
import { axisOf, needDropoutRate, needRank } from "./shapes-of.ts";

/** The length of the stream's sequence: axis 1, as in ids [B, T] and activations [B, T, D]. */
function lengthOf(site: Site) {
  const stream = site.stream();
  const axis = axisOf(site, stream, Math.min(1, stream.type.shape.length - 1));
  return stream.type.shape[axis]!;
}

/** What stands in a tuple after q, k and v: a mask if it is of bool, else a bias; a bias of zeros adds nothing. */
function sortExtras(site: Site, extras: readonly Value[]) {
  let bias: Value | undefined;
  let mask: Value | undefined;
  for (const extra of extras) {
    const isMask = extra.type.dtype === "bool";
    if (site.filledWith(extra) === (isMask ? 1 : 0)) continue;
    if ((isMask ? mask : bias) !== undefined)
      site.fail(`there are two ${isMask ? "masks" : "biases"}`, extra);
    if (isMask) mask = extra;
    else bias = extra;
  }
  return { bias, mask };
}

/** Attention and what tells it of positions. */
export const attentionLayers = {
  attend: defineLayer({
    doc:
      "softmax(scale · q kᵀ + bias) v for q [B, H, T, K], k [B, G, S, K], v [B, G, S, V]; a fourth and fifth operand are a " +
      "bias and a bool mask that broadcast to [B, H, T, S]. scale is K^-0.5 if not given; a window w lets a query see " +
      "w keys, itself the last; softcap c makes a score c · tanh(score / c); dropout drops shares of the softmax while training",
    operands: ["q", "k", "v", "bias?", "mask?"],
    parameters: {
      causal: flag(false),
      window: optionalInt(),
      softcap: optionalFloat(),
      scale: optionalFloat(),
      alibi: flag(false),
      dropout: float(0),
    },
    owns: [],
    build: (site, [q, k, v, ...extras], { causal, window, softcap, scale: given, alibi, dropout }) => {
      needRank(site, q!, 4, "[B, H, T, K]");
      const width = constantDim(q!.type.shape.at(-1)!);
      if (width === undefined && given === undefined)
        site.fail(`the heads of ${showType(q!.type)} are of unknown width: give the scale`, q);
      needDropoutRate(site, dropout);
      if (softcap !== undefined && !(softcap > 0))
        site.fail(`\`softcap\` takes a number above 0, got ${softcap}; \`none\` caps nothing`);
      const operands = { q: q!, k: k!, v: v!, ...sortExtras(site, extras) };
      const scale = given ?? width! ** -0.5;
      const attrs = { causal, window, softcap: softcap ?? 0, scale, alibi };
      if (!site.training || dropout === 0) return site.emit("attend", operands, attrs);
      if (site.wholeAttention !== undefined) {
        const attended = site.emit("attend", operands, attrs);
        site.wholeAttention(attended, dropout);
        return attended;
      }
      return attendWithDropout(site, { ...operands, ...attrs }, dropout);
    },
  }),
  linear_attend: defineLayer({
    doc:
      "a matrix S [K, V] a head that falls by e^decay and takes k vᵀ at each position, read by q, for q, k [B, G, T, K] and " +
      "v [B, H, T, V] → [B, H, T, V]; decay is [B, H, T] or [B, H, T, K], 0 for none; with beta [B, H, T] it takes " +
      "β k (v − Sᵀk)ᵀ, the delta rule. Time grows with T, and decoding keeps S alone",
    operands: ["q", "k", "v", "decay?", "beta?"],
    parameters: {},
    owns: [],
    build: (site, [q, k, v, decay, beta]) => {
      needRank(site, q!, 4, "[B, G, T, K]");
      const falls = decay !== undefined && site.filledWith(decay) !== 0;
      const operands = { q: q!, k: k!, v: v!, decay: falls ? decay : undefined, beta, state: undefined };
      return site.emitAll("linear_attend", operands, {})[0]!;
    },
  }),
  positions: defineLayer({
    doc: "0, 1, 2, … as i32[T], T the length of the stream's sequence (axis 1)",
    operands: [],
    parameters: {},
    owns: [],
    build: (site) => site.emit("iota", {}, { size: lengthOf(site) }),
  }),
  range: defineLayer({
    doc: "0, 1, 2, … n - 1 as i32[n]",
    operands: [],
    parameters: { n: size() },
    owns: [],
    build: (site, _, { n }) => site.emit("iota", {}, { size: n }),
  }),
  distance: defineLayer({
    doc: "T5's bucket of the distance from each query to each key, i32[T, T] (Raffel et al. 2020)",
    operands: [],
    parameters: { buckets: int(), far: int(), causal: flag(false) },
    owns: [],
    build: (site, _, { buckets, far, causal }) => {
      const length = lengthOf(site);
      return site.emit("relative_bucket", {}, { rows: length, columns: length, buckets, far, causal });
    },
  }),
  key_mask: defineLayer({
    doc: "a mask of keys, bool[B, S] → bool[B, 1, 1, S], as attend broadcasts it",
    operands: ["mask"],
    parameters: {},
    owns: [],
    build: (site, [mask]) => {
      const [batch, length, ...rest] = mask!.type.shape;
      if (batch === undefined || length === undefined || rest.length > 0)
        return site.fail(`expected bool[B, S], got ${showType(mask!.type)}`, mask);
      const shape = [batch, dim(1), dim(1), length];
      const filled = site.filledWith(mask!);
      return filled === undefined
        ? site.emit("reshape", { x: mask! }, { shape })
        : site.emit("full", {}, { dtype: mask!.type.dtype, shape, value: filled });
    },
  }),
} as const;
