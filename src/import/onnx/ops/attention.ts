import type { Value } from "../../../ir/graph.ts";
import { constantDim, dim, divideDims, multiplyDims, sameDim, subtractDims } from "../../../tensor/dim.ts";
import { NoForm } from "../graph.ts";
import { floatOf, intOf } from "../model.ts";
import { scaleOf, shortest } from "../numbers.ts";
import type { Site } from "../site.ts";
import { rankOf, type Convert } from "./form.ts";

/** [B, T, H · K] as heads [B, H, T, K]; what has heads already stays. */
function headed(site: Site, x: Value, heads: number): Value {
  if (rankOf(x) === 4) return x;
  const [batch, rows, width] = x.type.shape;
  const each = width === undefined || heads === 0 ? undefined : divideDims(width, dim(heads));
  if (each === undefined) throw new NoForm("heads that do not divide the width");
  return site.permute(site.reshape(x, [batch!, rows!, dim(heads), each]), [0, 2, 1, 3]);
}

/** The op of opset 23: softmax(scale · q kᵀ + mask) v, keys shared by groups of heads. */
const attention: Convert = (site) => {
  const { node } = site;
  if ([4, 5, 6].some((index) => site.has(index))) throw new NoForm("a cache of keys and values as inputs");
  if (node.outputs.slice(1).some((name) => name !== "")) throw new NoForm("more results than the attention");
  const [heads, groups] = [intOf(node, "q_num_heads", 0), intOf(node, "kv_num_heads", 0)];
  const [query, key, value] = [site.value(0), site.value(1), site.value(2)];
  const q = headed(site, query, heads);
  const [k, v] = [headed(site, key, groups), headed(site, value, groups)];
  const width = constantDim(q.type.shape[3]!);
  const causal = intOf(node, "is_causal", 0) === 1;
  // Where a causal query stands when there are more keys than queries, versions of the op do not agree.
  if (causal && !sameDim(q.type.shape[2], k.type.shape[2]))
    throw new NoForm("`is_causal` of fewer queries than keys");
  const softcap = shortest(floatOf(node, "softcap", 0));
  const extra = site.optional(3);
  // Versions of the op differ in whether scores are bent before a mask is added to them, or behind that.
  if (softcap > 0 && (causal || extra !== undefined)) throw new NoForm("`softcap` with a mask");
  const isMask = extra?.type.dtype === "bool";
  const scale = node.attributes.get("scale")?.float;
  const made = site.emit(
    "attend",
    { q, k, v, bias: isMask ? undefined : extra, mask: isMask ? extra : undefined },
    { causal, softcap, scale: scaleOf(scale ?? (width ?? NaN) ** -0.5, width) },
  );
  if (rankOf(query) === 4) return made;
  return site.reshape(site.permute(made, [0, 2, 1, 3]), [
    ...query.type.shape.slice(0, 2),
    multiplyDims(made.type.shape[1]!, made.type.shape[3]!),
  ]);
};

/** The op of opset 23, as the products and sums that it is: (a, b) becomes (a cos - b sin, b cos + a sin). */
const rotary: Convert = (site) => {
  const { node } = site;
  const given = site.value(0);
  const x = headed(site, given, intOf(node, "num_heads", 0));
  const [batch, , rows, width] = x.type.shape;
  const turned = intOf(node, "rotary_embedding_dim", 0) || constantDim(width!)!;
  const [cos, sin] = [turns(site, 1), turns(site, 2)];
  const part = (of: Value, start: number, size: number): Value =>
    site.emit("slice", { x: of }, { axis: 3, start: dim(start), size: dim(size) });
  const mul = (a: Value, b: Value): Value => site.emit("mul", { x: a, y: b }, {});
  const half = turned / 2;
  const pairs = intOf(node, "interleaved", 0) === 1;
  const head = part(x, 0, turned);
  const apart = pairs ? site.reshape(head, [batch!, x.type.shape[1]!, rows!, dim(half), dim(2)]) : head;
  const [a, b] = pairs
    ? [0, 1].map((at) =>
        site.reshape(
          site.emit("slice", { x: apart }, { axis: 4, start: dim(at), size: dim(1) }),
          x.type.shape.with(3, dim(half)),
        ),
      )
    : [part(head, 0, half), part(head, half, half)];
  const first = site.emit("sub", { x: mul(a!, cos), y: mul(b!, sin) }, {});
  const second = site.emit("add", { x: mul(b!, cos), y: mul(a!, sin) }, {});
  const turnedHead = pairs
    ? interleaved(site, first, second, turned)
    : site.emit("concat", { values: [first, second] }, { axis: 3 });
  const rest = subtractDims(width!, dim(turned));
  const all =
    constantDim(rest) === 0
      ? turnedHead
      : site.emit("concat", { values: [turnedHead, part(x, turned, constantDim(rest)!)] }, { axis: 3 });
  return rankOf(given) === 4 ? all : site.reshape(site.permute(all, [0, 2, 1, 3]), given.type.shape);
};

function interleaved(site: Site, first: Value, second: Value, width: number): Value {
  const { shape } = first.type;
  const values = [first, second].map((each) => site.reshape(each, [...shape, dim(1)]));
  return site.reshape(site.emit("concat", { values }, { axis: 4 }), shape.with(3, dim(width)));
}

/** Cosine or sine of each row, [1, T, K/2] or [B, T, K/2] by position, as they stand beside all heads. */
function turns(site: Site, index: number): Value {
  const table = site.value(index);
  const ids = site.optional(3);
  const each = ids === undefined ? table : site.emit("embedding", { table, ids }, {});
  const [first, ...rest] = each.type.shape;
  if (rest.length === 1) return site.reshape(each, [dim(1), dim(1), first!, ...rest]);
  if (rest.length !== 2) throw new NoForm("a table of other axes");
  return site.reshape(each, [first!, dim(1), ...rest]);
}

export const attentionOps: Readonly<Record<string, Convert>> = {
  Attention: attention,
  RotaryEmbedding: rotary,
};
