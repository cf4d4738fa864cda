import type { View } from "../../../kernels/view.ts";
import { KernelBuilder } from "../builder.ts";
import { less, minus, over, plus, select, times } from "../formula.ts";
import type { Expression, Name } from "../tree.ts";
import { eachRow } from "../walk.ts";
import type { Loops } from "./kernel.ts";
import { statistics } from "./row-norm.ts";

/**
 * A row at a time, from the cache: its statistics, what the gradient has along the normed row, and the gradient of x with
 * what x carries on besides. The gradients of weight and bias are added up over the rows.
 */
export const norm_grad: Loops<"norm_grad"> = ({ operands, attrs, results }) => {
  const { norm, eps, unit_offset: unitOffset } = attrs;
  const k = new KernelBuilder();
  const { shape } = operands.x.type;
  const width = k.size("width", shape.at(-1)!);
  const [result, ...vectors] = results as [View, ...View[]];
  const places = {
    grad: k.tensor("grad", operands.grad),
    x: k.tensor("x", operands.x),
    out: k.tensor("out", result),
    ...(operands.carried && { carried: k.tensor("carried", operands.carried) }),
  };
  const weight = k.maybe("weight", operands.weight);
  const ofWeight = weight && k.tensor("ofWeight", vectors[0]!);
  const ofBias = attrs.bias ? k.tensor("ofBias", vectors.at(-1)!) : undefined;
  for (const sums of [ofWeight, ofBias]) if (sums !== undefined) k.clear(sums, width);
  const factor = (i: Name): Expression => (unitOffset ? plus(1, weight!.at(i)) : weight!.at(i));
  const row = ({ grad, x, out, carried }: typeof places): void => {
    const { scale, normalized } = statistics(k, { kind: norm, eps, width }, (i) => x.at(i));
    const weighted = (g: Expression, i: Name): Expression => (weight === undefined ? g : times(g, factor(i)));
    const sum = norm === "layer" ? k.total("sum") : undefined;
    const along = k.total("along");
    k.lanes("i", width, (i) => {
      const g = k.let("g", grad.at(i));
      const normed = k.let("normed", normalized(x.at(i)));
      const h = k.let("h", weighted(g, i));
      if (sum !== undefined) k.take(sum, h);
      k.take(along, times(h, normed));
      if (ofWeight !== undefined) k.add(ofWeight.at(i), times(g, normed));
      if (ofBias !== undefined) k.add(ofBias.at(i), g);
    });
    const shift = sum && k.let("shift", over(sum, width));
    // Where e is the size of the row, its direction does not count.
    const turn = k.let("turn", norm === "l2" ? select(less(scale, 1 / eps), along, 0) : over(along, width));
    k.lanes("i", width, (i) => {
      const h = k.let("h", weighted(grad.at(i), i));
      const normed = k.let("normed", normalized(x.at(i)));
      const slope = minus(shift === undefined ? h : minus(h, shift), times(normed, turn));
      const gradient = times(scale, slope);
      k.store(out.at(i), carried === undefined ? gradient : plus(gradient, carried.at(i)));
    });
  };
  eachRow(k, shape.slice(0, -1), places, row, "folds");
  const words = [
    ...(weight === undefined ? [] : [unitOffset ? "unit_weight" : "weight"]),
    ...(attrs.bias ? ["bias"] : []),
    ...(operands.carried === undefined ? [] : ["carried"]),
  ];
  const carries = operands.carried === undefined ? "" : ", plus what its input carries on";
  return k.finish(
    [`${norm}_norm_grad`, ...words].join("_"),
    `The gradient of a ${norm} norm of each row${carries}.`,
  );
};
