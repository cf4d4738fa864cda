import { onlyView } from "../../../kernels/results.ts";
import type { View } from "../../../kernels/view.ts";
import type { Reduction } from "../../../plan/loops.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { dim, productOfDims, sameDim, type Dim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { KernelBuilder } from "../builder.ts";
import { log, minus, over, power, relativePower } from "../formula.ts";
import type { Fold, LoopKernel, Name } from "../tree.ts";
import type { Place } from "../place.ts";
import { eachRow, walk } from "../walk.ts";
import type { Loops } from "./kernel.ts";

/** How a reduction takes elements in; the mean is divided when it has. */
export const folds: { readonly [K in Reduction]: Fold } = {
  reduce_sum: "add",
  reduce_mean: "add",
  reduce_max: "max",
  reduce_min: "min",
};

/** Loops over the axes that stay around loops over those that are folded. */
const reduction =
  <K extends Reduction>(op: K): Loops<K> =>
  ({ operands, attrs, results }: StepOf<Reduction>) => {
    const { type } = operands.x;
    const folded = new Set(attrs.axes);
    const pick = (list: readonly Dim[], kept: boolean): Dim[] =>
      list.filter((_, axis) => folded.has(axis) !== kept);
    const k = new KernelBuilder();
    const [from, to] = [k.tensor("x", operands.x), k.tensor("out", onlyView(results))];
    const x = from.along(pick(from.strides, true));
    const out = attrs.keep ? to.along(pick(to.strides, true)) : to;
    const elements =
      op === "reduce_mean" ? k.size("elements", productOfDims(pick(type.shape, false))) : undefined;
    const [kept, gone] = [pick(type.shape, true), pick(type.shape, false)];
    // Neighbours in memory are taken side by side: those that are folded, or else those that stay.
    const isAlong = sameDim(pick(from.strides, false).at(-1), dim(1));
    const stay = { prefix: "row", outer: "rows", inner: isAlong ? "rows" : "lanes" } as const;
    const go = { prefix: "folded", outer: "folds", inner: isAlong ? "lanes" : "folds" } as const;
    walk(k, kept, { x, out }, stay, ({ x, out }) => {
      const result = k.total("result", folds[op], isFloat(type.dtype) ? "float" : "whole");
      const along = { x: x.along(pick(from.strides, false)) };
      walk(k, gone, along, go, ({ x }) => k.take(result, x));
      k.store(out, elements === undefined ? result : over(result, elements));
    });
    return k.finish(op, `The ${op.slice("reduce_".length)} over some axes.`);
  };

/** Lines of x along an axis; `line` writes one of `length` elements. */
function alongAxis(
  name: string,
  doc: string,
  { x, out, axis }: { readonly x: View; readonly out: View; readonly axis: number },
  line: (k: KernelBuilder, length: Name, x: (c: Name) => Place, out: (c: Name) => Place) => void,
): LoopKernel {
  const at = axis < 0 ? axis + x.type.shape.length : axis;
  const others = (list: readonly Dim[]): Dim[] => list.filter((_, index) => index !== at);
  const k = new KernelBuilder();
  const length = k.size("length", x.type.shape[at]!);
  const from = k.tensor("x", x);
  const xStride = k.stride("xStride", from.strides[at]!);
  const to = k.tensor("out", out);
  const outStride = k.stride("outStride", to.strides[at]!);
  const lines = { x: from.along(others(from.strides)), out: to.along(others(to.strides)) };
  eachRow(k, others(x.type.shape), lines, ({ x, out }) =>
    line(
      k,
      length,
      (c) => x.at(c, xStride),
      (c) => out.at(c, outStride),
    ),
  );
  return k.finish(name, doc);
}

const cumsum: Loops<"cumsum"> = ({ operands: { x }, attrs: { axis }, results }) =>
  alongAxis(
    "cumsum",
    "Running sums along an axis.",
    { x, out: onlyView(results), axis },
    (k, length, x, out) => {
      const sum = k.total("sum");
      k.turns("c", length, (c) => {
        k.take(sum, x(c));
        k.store(out(c), sum);
      });
    },
  );

const softmax: Loops<"softmax"> = ({ operands: { x }, attrs: { axis }, results }) =>
  alongAxis(
    "softmax",
    "e^x / Σ e^x along an axis.",
    { x, out: onlyView(results), axis },
    (k, length, x, out) => {
      const largest = k.total("largest", "peak");
      k.lanes("c", length, (c) => k.take(largest, x(c)));
      const sum = k.total("sum");
      k.lanes("c", length, (c) => {
        const e = k.let("e", relativePower(minus(x(c), largest)));
        k.store(out(c), e);
        k.take(sum, e);
      });
      k.lanes("c", length, (c) => k.divide(out(c), sum));
    },
  );

const log_softmax: Loops<"log_softmax"> = ({ operands: { x }, attrs: { axis }, results }) =>
  alongAxis(
    "log_softmax",
    "x - log Σ e^x along an axis.",
    { x, out: onlyView(results), axis },
    (k, length, x, out) => {
      const largest = k.total("largest", "peak");
      k.lanes("c", length, (c) => k.take(largest, x(c)));
      const sum = k.total("sum");
      k.lanes("c", length, (c) => k.take(sum, power(minus(x(c), largest))));
      const logarithm = k.let("logarithm", log(sum));
      k.lanes("c", length, (c) => k.store(out(c), minus(x(c), largest, logarithm)));
    },
  );

export const reduceLoops = {
  reduce_sum: reduction("reduce_sum"),
  reduce_mean: reduction("reduce_mean"),
  reduce_max: reduction("reduce_max"),
  reduce_min: reduction("reduce_min"),
  cumsum,
  log_softmax,
  softmax,
};
