import { onlyView } from "../../../kernels/results.ts";
import { attentionAxes } from "../../../kernels/attention.ts";
import type { View } from "../../../kernels/view.ts";
import { readsLength, ropeFrequencies, ropeWidth } from "../../../ops/evaluate/rope.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { invariant } from "../../../support/invariant.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { KernelBuilder } from "../builder.ts";
import { apply, less, minus, over, plus, select, times } from "../formula.ts";
import type { Expression, Name } from "../tree.ts";
import type { Place } from "../place.ts";
import { walk } from "../walk.ts";
import type { Loops } from "./kernel.ts";

type Attrs = StepOf<"rope">["attrs"];

/** Pairs of channels turned by position × frequency; one sine and cosine serve all heads of a position. */
export const rope: Loops<"rope"> = ({ operands, attrs, results }) => {
  const k = new KernelBuilder();
  const { batch, head, row, width: headSize } = attentionAxes(operands.x, attrs.layout);
  const headWidth = constantDim(headSize);
  invariant(headWidth !== undefined, "rope needs a head width known at compile time");
  const width = ropeWidth(attrs, headWidth);
  const [batches, heads, rows] = [
    k.size("batch", batch.size),
    k.size("heads", head.size),
    k.size("rows", row.size),
  ];
  const x = headsOf(k, "x", operands.x, attrs.layout);
  const out = headsOf(k, "out", onlyView(results), attrs.layout);
  const positions = positionsOf(k, operands.positions);
  const length = readsLength(attrs) ? (lengthOf(k, operands.positions, positions?.all) ?? rows) : rows;
  const frequency = frequencies(k, attrs, headWidth, width, length);
  const magnitude = (turned: Expression): Expression =>
    attrs.attention_factor === 1 ? turned : times(attrs.attention_factor, turned);
  const pair = (place: Place, p: Name): readonly [Place, Place] =>
    attrs.pairs === "halves"
      ? [place.at(p), place.at(p).at(width / 2)]
      : [place.at(p, 2), place.at(p, 2).at(1)];
  const [ahead, back] = attrs.inverse ? [plus, minus] : [minus, plus];
  k.rows("b", batches, (b) =>
    k.rows("t", rows, (t) => {
      const [from, to] = [x(b, t), out(b, t)];
      const position = k.let("position", positions === undefined ? t : positions.at(b, t));
      k.lanes("p", width / 2, (p) => {
        const angle = k.let("angle", times(position, frequency(p)));
        const cos = k.let("cos", magnitude(apply("cos", angle)));
        const sin = k.let("sin", magnitude(apply("sin", angle)));
        k.turns("h", heads, (h) => {
          const [u, v] = pair(from(h), p).map((place, at) => k.let(at === 0 ? "u" : "v", place));
          const [first, second] = pair(to(h), p);
          k.store(first, ahead(times(u!, cos), times(v!, sin)));
          k.store(second, back(times(v!, cos), times(u!, sin)));
        });
      });
      if (width === headWidth) return;
      k.turns("h", heads, (h) => k.lanes("i", headWidth, (i) => k.store(to(h).at(i), from(h).at(i)), width));
    }),
  );
  const doc = `Rotary positions: pairs of the first ${width} channels, ${attrs.pairs}, scaling ${attrs.scaling}.`;
  return k.finish(attrs.pairs === "halves" ? "rope" : "rope_interleaved", doc);
};

/** The first element of a head of a row. */
function headsOf(k: KernelBuilder, name: string, view: View, layout: Attrs["layout"]) {
  const start = k.tensor(name, view);
  const { batch, head, row } = attentionAxes(view, layout);
  const [ofBatch, ofHead, ofRow] = [
    k.size(`${name}Batch`, batch.stride),
    k.size(`${name}Head`, head.stride),
    k.size(`${name}Row`, row.stride),
  ];
  return (b: Name, t: Name) => {
    const at = start.at(b, ofBatch).at(t, ofRow);
    return (h: Name): Place => at.at(h, ofHead);
  };
}

function positionsOf(k: KernelBuilder, view: View | undefined) {
  if (view === undefined) return undefined;
  const all = k.tensor("positions", view);
  const [ofBatch, ofRow] = [
    k.size("positionsBatch", view.strides[0]!),
    k.size("positionsRow", view.strides[1]!),
  ];
  return { all, at: (b: Name, t: Name): Place => all.at(b, ofBatch).at(t, ofRow) };
}

/** One more than the largest position. */
function lengthOf(k: KernelBuilder, view: View | undefined, positions: Place | undefined): Name | undefined {
  if (view === undefined || positions === undefined) return undefined;
  const length = k.total("length", "max", "whole");
  const all = { prefix: "all", outer: "folds", inner: "folds" } as const;
  walk(k, view.type.shape, { positions }, all, ({ positions }) => k.take(length, plus(positions, 1)));
  return length;
}

/** Radians a position: numbers; longrope has one list for short texts, one for long; the base of `dynamic` grows. */
function frequencies(
  k: KernelBuilder,
  attrs: Attrs,
  headWidth: number,
  width: number,
  length: Name,
): (p: Name) => Place {
  const { theta, factor, original, scaling } = attrs;
  const list = (at: number): number[] => [...ropeFrequencies(attrs, headWidth, at)];
  if (scaling === "dynamic") {
    const grown = over(times(factor, apply("max", length, original)), original);
    const stretch = k.let("stretch", minus(grown, factor - 1));
    const base = k.let("base", times(theta, apply("pow", stretch, width / (width - 2))));
    const table = k.table("frequencies", "f64", new Array<number>(width / 2).fill(0));
    k.lanes("p", width / 2, (p) => k.store(table.at(p), apply("pow", base, over(times(-2, p), width))));
    return (p) => table.at(p);
  }
  if (scaling !== "longrope") {
    const table = k.table("frequencies", "f64", list(1));
    return (p) => table.at(p);
  }
  const table = k.table("frequencies", "f64", [...list(1), ...list(original + 1)]);
  const first = k.let("first", select(less(original, length), width / 2, 0));
  return (p) => table.at(first).at(p);
}
