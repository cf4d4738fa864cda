import type { Value } from "../../../ir/graph.ts";
import { NoForm } from "../graph.ts";
import { intOf } from "../model.ts";
import type { Site } from "../site.ts";
import { axesOf, axisOf, rankOf, type Convert } from "./form.ts";
import { axesAt } from "./shape.ts";

type Reduction = "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min";

function reduced(site: Site, op: Reduction, x: Value): Value {
  const given = axesAt(site, 1) ?? [];
  if (given.length === 0 && intOf(site.node, "noop_with_empty_axes", 0) === 1) return x;
  const axes = given.length === 0 ? [...x.type.shape.keys()] : axesOf(given, rankOf(x));
  const keep = intOf(site.node, "keepdims", 1) === 1;
  return site.emit(op, { x }, { axes: axes.toSorted((a, b) => a - b), keep });
}

const reduction =
  (op: Reduction): Convert =>
  (site) =>
    reduced(site, op, site.value(0));

const squares = (site: Site): Value => site.emit("square", { x: site.value(0) }, {});

const along =
  (op: "softmax" | "log_softmax"): Convert =>
  (site) => {
    const x = site.value(0);
    // Before opset 13 all axes from the given one on were one.
    const axis = axisOf(intOf(site.node, "axis", site.opset < 13 ? 1 : -1), rankOf(x));
    if (site.opset < 13 && axis !== rankOf(x) - 1) throw new NoForm("several axes");
    return site.emit(op, { x }, { axis });
  };

export const reduceOps: Readonly<Record<string, Convert>> = {
  ArgMax: (site) => {
    const x = site.value(0);
    const rank = rankOf(x);
    if (
      axisOf(intOf(site.node, "axis", 0), rank) !== rank - 1 ||
      intOf(site.node, "select_last_index", 0) === 1
    )
      throw new NoForm("an axis that is not the last");
    const best = site.all("topk", { x }, { k: 1 })[1]!;
    return intOf(site.node, "keepdims", 1) === 1 ? best : site.reshape(best, x.type.shape.slice(0, -1));
  },
  CumSum: (site) => {
    const x = site.value(0);
    if (intOf(site.node, "exclusive", 0) === 1 || intOf(site.node, "reverse", 0) === 1)
      throw new NoForm("`exclusive` or `reverse`");
    return site.emit("cumsum", { x }, { axis: axisOf(site.ints(1)[0]!, rankOf(x)) });
  },
  GlobalAveragePool: (site) => {
    const x = site.value(0);
    return site.emit("reduce_mean", { x }, { axes: [...x.type.shape.keys()].slice(2), keep: true });
  },
  LogSoftmax: along("log_softmax"),
  ReduceL2: (site) => site.emit("sqrt", { x: reduced(site, "reduce_sum", squares(site)) }, {}),
  ReduceMax: reduction("reduce_max"),
  ReduceMean: reduction("reduce_mean"),
  ReduceMin: reduction("reduce_min"),
  ReduceSum: reduction("reduce_sum"),
  ReduceSumSquare: (site) => reduced(site, "reduce_sum", squares(site)),
  Softmax: along("softmax"),
  TopK: (site) => {
    const x = site.value(0);
    const isPlain = intOf(site.node, "largest", 1) === 1 && intOf(site.node, "sorted", 1) === 1;
    if (!isPlain || axisOf(intOf(site.node, "axis", -1), rankOf(x)) !== rankOf(x) - 1)
      throw new NoForm("the smallest, or an axis that is not the last");
    return site.all("topk", { x }, { k: site.ints(1)[0]! });
  },
};
