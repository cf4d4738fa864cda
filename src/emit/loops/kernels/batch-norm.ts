import { onlyView } from "../../../kernels/results.ts";
import type { View } from "../../../kernels/view.ts";
import { constantDim, productOfDims } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import { apply, equal, minus, over, plus, root, select, times } from "../formula.ts";
import type { Name } from "../tree.ts";
import type { Place } from "../place.ts";
import type { Loops } from "./kernel.ts";

/** A dense tensor around its axis of channels, which are walked side by side where they lie so. */
class Channels {
  readonly #k: KernelBuilder;
  readonly #outer: Name;
  readonly #channels: Name;
  /** Undefined if there is one element. */
  readonly #inner: Name | undefined;

  constructor(k: KernelBuilder, { type: { shape } }: View, axis: number) {
    this.#k = k;
    this.#outer = k.size("outer", productOfDims(shape.slice(0, axis)));
    this.#channels = k.size("channels", shape[axis]!);
    const inner = productOfDims(shape.slice(axis + 1));
    this.#inner = constantDim(inner) === 1 ? undefined : k.size("inner", inner);
  }

  each(body: (c: Name) => void): void {
    if (this.#inner === undefined) this.#k.lanes("c", this.#channels, body);
    else this.#k.rows("c", this.#channels, body);
  }

  /** Elements of a channel. */
  count(): Name {
    return this.#inner === undefined ? this.#outer : this.#k.let("count", times(this.#outer, this.#inner));
  }

  /** The elements of tensors that a channel has, at the same places. */
  over<T extends Readonly<Record<string, Place>>>(c: Name, tensors: T, body: (elements: T) => void): void {
    const [k, inner] = [this.#k, this.#inner];
    const visit = (at: (place: Place) => Place): void =>
      body(Object.fromEntries(Object.entries(tensors).map(([name, place]) => [name, at(place)])) as T);
    k.turns("o", this.#outer, (o) => {
      if (inner === undefined) {
        visit((place) => place.at(o, this.#channels).at(c));
        return;
      }
      const first = k.let("first", times(plus(times(o, this.#channels), c), inner));
      k.lanes("i", plus(first, inner), (i) => visit((place) => place.at(i)), first);
    });
  }
}

const batch_statistics: Loops<"batch_statistics"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const channels = new Channels(k, operands.x, attrs.axis);
  const x = k.tensor("x", operands.x);
  const runningMean = k.tensor("runningMean", operands.running_mean);
  const runningVariance = k.tensor("runningVariance", operands.running_variance);
  const names = ["mean", "variance", "nextMean", "nextVariance"];
  const [mean, variance, nextMean, nextVariance] = results.map((view, at) => k.tensor(names[at]!, view));
  const momentum = k.number("momentum", attrs.momentum);
  const count = channels.count();
  const correction = attrs.unbiased
    ? k.let("correction", over(count, apply("max", minus(count, 1), 1)))
    : undefined;
  channels.each((c) => {
    const sum = k.total("sum");
    channels.over(c, { x }, ({ x }) => k.take(sum, x));
    const near = k.let("near", over(sum, count));
    const [rest, squares] = [k.total("rest"), k.total("squares")];
    channels.over(c, { x }, ({ x }) => {
      const d = k.let("d", minus(x, near));
      k.take(rest, d);
      k.take(squares, times(d, d));
    });
    k.note("What a large mean is off by, as sums are rounded, is the mean deviation from it.");
    const off = k.let("off", over(rest, count));
    const isFinite = equal(minus(near, near), 0);
    const centre = k.let("centre", select(isFinite, plus(near, off), near));
    const spread = k.let("spread", minus(over(squares, count), times(off, off)));
    k.note("Both are read before anything is written: results may lie over them.");
    const oldMean = k.let("oldMean", runningMean.at(c));
    const oldVariance = k.let("oldVariance", runningVariance.at(c));
    k.store(mean!.at(c), centre);
    k.store(variance!.at(c), spread);
    const moved = times(momentum, spread);
    k.store(nextMean!.at(c), plus(times(minus(1, momentum), oldMean), times(momentum, centre)));
    k.store(
      nextVariance!.at(c),
      plus(
        times(minus(1, momentum), oldVariance),
        correction === undefined ? moved : times(moved, correction),
      ),
    );
  });
  const name = attrs.unbiased ? "batch_statistics" : "batch_statistics_biased";
  return k.finish(name, "Mean and variance of each channel; the running ones moved toward them.");
};

const batch_norm_grad: Loops<"batch_norm_grad"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const channels = new Channels(k, operands.x, attrs.axis);
  const [grad, x] = [k.tensor("grad", operands.grad), k.tensor("x", operands.x)];
  const [mean, variance] = [k.tensor("mean", operands.mean), k.tensor("variance", operands.variance)];
  const weight = k.maybe("weight", operands.weight);
  const out = k.tensor("out", results[0]!);
  const names = ["ofMean", "ofVariance", "ofWeight", "ofBias"];
  const [ofMean, ofVariance, ofWeight, ofBias] = results
    .slice(1)
    .map((view, index) => k.tensor(names[index]!, view));
  channels.each((c) => {
    const centre = k.let("centre", mean.at(c));
    const scale = k.let("scale", over(1, root(plus(variance.at(c), attrs.eps))));
    const slope = k.let("slope", weight === undefined ? scale : times(scale, weight.at(c)));
    const [sum, along] = [k.total("sum"), k.total("along")];
    channels.over(c, { grad, x, out }, ({ grad, x, out }) => {
      const g = k.let("g", grad);
      k.take(sum, g);
      k.take(along, times(g, minus(x, centre), scale));
      k.store(out, times(g, slope));
    });
    k.store(ofMean!.at(c), times(apply("neg", sum), slope));
    k.store(ofVariance!.at(c), times(-0.5, along, slope, scale));
    k.store(ofWeight!.at(c), along);
    k.store(ofBias!.at(c), sum);
  });
  const name = weight === undefined ? "batch_norm_grad" : "batch_norm_grad_weight";
  return k.finish(name, "The gradients of a batch norm, a channel at a time.");
};

const batch_statistics_grad: Loops<"batch_statistics_grad"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const channels = new Channels(k, operands.x, attrs.axis);
  const x = k.tensor("x", operands.x);
  const mean = k.tensor("mean", operands.mean);
  const ofMean = k.tensor("ofMean", operands.grad_mean);
  const ofVariance = k.tensor("ofVariance", operands.grad_variance);
  const out = k.tensor("out", onlyView(results));
  const count = channels.count();
  channels.each((c) => {
    const centre = k.let("centre", mean.at(c));
    const shift = k.let("shift", over(ofMean.at(c), count));
    const slope = k.let("slope", over(times(2, ofVariance.at(c)), count));
    channels.over(c, { x, out }, ({ x, out }) => k.store(out, plus(shift, times(slope, minus(x, centre)))));
  });
  return k.finish("batch_statistics_grad", "The gradient of each channel's mean and variance.");
};

export const batchNormLoops = { batch_norm_grad, batch_statistics, batch_statistics_grad };
