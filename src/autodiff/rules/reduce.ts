import type { reduceOps } from "../../ops/reduce.ts";
import { constantDim } from "../../tensor/dim.ts";
import { showType } from "../../tensor/type.ts";
import type { Vjp, VjpRule } from "../vjp.ts";

const fromStart = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** An equal share to each of the largest (or smallest) elements, as torch.amax has it. */
const extreme: Vjp<"reduce_max"> = ({ operands: { x }, attrs: { axes }, results: [out] }, [g], b) => {
  const { shape, dtype } = x.type;
  const best = b.undoFold(out!, shape, axes, false);
  const isBest = b.cast(b.binary("eq", x, best), dtype);
  const count = b.emit("reduce_sum", { x: isBest }, { axes, keep: true });
  return { x: b.mul(isBest, b.div(b.undoFold(g!, shape, axes, false), count)) };
};

export const reduceRules: { readonly [K in keyof typeof reduceOps]: VjpRule<K> } = {
  reduce_sum: ({ operands: { x }, attrs: { axes } }, [g], b) => ({ x: b.undoFold(g!, x.type.shape, axes) }),
  reduce_mean: ({ operands: { x }, attrs: { axes } }, [g], b) => {
    const { shape } = x.type;
    const share = b.divideBySizes(
      g!,
      axes.map((axis) => shape[axis]!),
    );
    return { x: b.undoFold(share, shape, axes) };
  },
  reduce_max: extreme,
  reduce_min: extreme as unknown as Vjp<"reduce_min">,
  /** Each element stands in the sums from its own on: Σ g - cumsum(g) + g. */
  cumsum: ({ attrs: { axis } }, [g], b) => {
    const all = b.emit("reduce_sum", { x: g! }, { axes: [axis], keep: true });
    return { x: b.add(b.sub(all, b.emit("cumsum", { x: g! }, { axis })), g!) };
  },
  topk: ({ operands: { x }, results: [, indices], origin }, [g], b) => {
    const size = constantDim(x.type.shape.at(-1)!);
    if (size === undefined) {
      b.refuse(origin, `topk has a gradient along known sizes only, here it is ${showType(x.type)}`);
      return {};
    }
    return g === undefined ? {} : { x: b.emit("spread", { values: g, indices: indices! }, { size }) };
  },
  spread: ({ operands: { indices } }, [g], b) => ({ values: b.emit("take", { x: g!, indices }, {}) }),
  take: ({ operands: { x, indices }, origin }, [g], b) => {
    const size = constantDim(x.type.shape.at(-1)!);
    if (size === undefined) {
      b.refuse(origin, `take has a gradient along known sizes only, here it is ${showType(x.type)}`);
      return {};
    }
    return { x: b.emit("spread", { values: g!, indices }, { size }) };
  },
  /** y (g - Σ g y). */
  softmax: ({ operands: { x }, attrs: { axis }, results: [out] }, [g], b) => {
    const axes = [fromStart(axis, x.type.shape.length)];
    const mean = b.emit("reduce_sum", { x: b.mul(g!, out!) }, { axes, keep: true });
    return { x: b.mul(out!, b.sub(g!, mean)) };
  },
  /** g - e^y Σ g. */
  log_softmax: ({ operands: { x }, attrs: { axis }, results: [out] }, [g], b) => {
    const axes = [fromStart(axis, x.type.shape.length)];
    const sum = b.emit("reduce_sum", { x: g! }, { axes, keep: true });
    return { x: b.sub(g!, b.mul(b.unary("exp", out!), sum)) };
  },
};
