import type { Value } from "../../ir/graph.ts";
import { defineLayer, flag, int, optionalInt, optionalInts, type Site } from "./define.ts";
import { axisOf } from "./shapes-of.ts";

type Reduction = "reduce_sum" | "reduce_mean" | "reduce_max" | "reduce_min";

const parameters = { axis: optionalInt(), axes: optionalInts(), keep: flag(false) } as const;

interface Axes {
  readonly axis: number | undefined;
  readonly axes: readonly number[] | undefined;
  readonly keep: boolean;
}

/** Over one axis, several, or all if none is given. */
function reduce(site: Site, op: Reduction, x: Value, { axis, axes, keep }: Axes): Value {
  if (axis !== undefined && axes !== undefined) site.fail("takes `axis` or `axes`, not both");
  const given = axes ?? (axis === undefined ? [...x.type.shape.keys()] : [axis]);
  return site.emit(
    op,
    { x },
    { axes: given.map((one) => axisOf(site, x, one)).toSorted((a, b) => a - b), keep },
  );
}

const reduction = (op: Reduction, what: string) =>
  defineLayer({
    doc: `${what} over an axis, several axes, or all; keep leaves them with size 1`,
    operands: ["x"],
    parameters,
    owns: [],
    build: (site, [x], args) => reduce(site, op, x!, args),
  });

/** `max` and `min` of a tuple are taken element by element. */
const extreme = (op: "max" | "min", what: string) =>
  defineLayer({
    doc: `${what} element of x over axes; of a tuple of two, element by element`,
    operands: ["x", "y?"],
    parameters,
    owns: [],
    build: (site, [x, y], args) => {
      if (y === undefined) return reduce(site, `reduce_${op}`, x!, args);
      if (args.axis !== undefined || args.axes !== undefined || args.keep)
        site.fail("a tuple of two is taken element by element, and folds no axis");
      return site.emit(op, { x: x!, y }, {});
    },
  });

/** Layers that fold an axis or run along one. */
export const reduceLayers = {
  sum: reduction("reduce_sum", "the sum of x"),
  mean: reduction("reduce_mean", "the mean of x"),
  max: extreme("max", "the largest"),
  min: extreme("min", "the smallest"),
  softmax: defineLayer({
    doc: "e^x / Σ e^x along an axis",
    operands: ["x"],
    parameters: { axis: int(-1) },
    owns: [],
    build: (site, [x], { axis }) => site.emit("softmax", { x: x! }, { axis: axisOf(site, x!, axis) }),
  }),
  log_softmax: defineLayer({
    doc: "x - log Σ e^x along an axis",
    operands: ["x"],
    parameters: { axis: int(-1) },
    owns: [],
    build: (site, [x], { axis }) => site.emit("log_softmax", { x: x! }, { axis: axisOf(site, x!, axis) }),
  }),
  cumsum: defineLayer({
    doc: "running sums along an axis, each with its own element",
    operands: ["x"],
    parameters: { axis: int(-1) },
    owns: [],
    build: (site, [x], { axis }) => site.emit("cumsum", { x: x! }, { axis: axisOf(site, x!, axis) }),
  }),
  topk: defineLayer({
    doc: "a tuple: the k largest elements along the last axis, largest first, and where they stood",
    operands: ["x"],
    parameters: { k: int() },
    owns: [],
    build: (site, [x], { k }) => site.emitAll("topk", { x: x! }, { k }),
  }),
  spread: defineLayer({
    doc: "zeros [.., n] with values put at indices: what topk took, back in its place",
    operands: ["values", "indices"],
    parameters: { n: int() },
    owns: [],
    build: (site, [values, indices], { n }) =>
      site.emit("spread", { values: values!, indices: indices! }, { size: n }),
  }),
  take: defineLayer({
    doc: "elements of each row by their indices, all different in a row: [.., n] and [.., k] → [.., k]",
    operands: ["x", "indices"],
    parameters: {},
    owns: [],
    build: (site, [x, indices]) => site.emit("take", { x: x!, indices: indices! }, {}),
  }),
} as const;
