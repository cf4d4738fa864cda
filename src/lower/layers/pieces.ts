import type { Value } from "../../ir/graph.ts";
import { limits } from "../frame/budget.ts";
import { showCount } from "../../support/text.ts";
import { addDims, constantDim, dim, multiplyDims, sameDim, showDim, subtractDims } from "../../tensor/dim.ts";
import { showType } from "../../tensor/type.ts";
import { defineLayer, flag, int, optionalSize, pieces, size, type Site } from "./define.ts";
import { axisOf, needRank, partOf, reshape, without } from "./shapes-of.ts";

/** The part of x with an index on one axis, the axis itself left out unless `keep`. */
function select(site: Site, x: Value, index: number, givenAxis: number, keep: boolean): Value {
  const axis = axisOf(site, x, givenAxis);
  const whole = x.type.shape[axis]!;
  const known = constantDim(whole);
  if (known !== undefined && (index >= known || index < -known))
    site.fail(`axis ${axis} of ${showType(x.type)} has no place ${index}`, x);
  const start = index < 0 ? addDims(whole, dim(index)) : dim(index);
  const part = site.emit("slice", { x }, { axis, start, size: dim(1) });
  return keep ? part : reshape(site, part, without(x.type.shape, axis));
}

/** Equal parts by a count, or parts of the sizes given. */
function split(site: Site, x: Value, parts: number | readonly number[], givenAxis: number): readonly Value[] {
  const axis = axisOf(site, x, givenAxis);
  const whole = x.type.shape[axis]!;
  if (typeof parts === "number" && parts > limits.values.most)
    site.fail(`${limits.values.says(showCount(limits.values.most))}: these are ${showCount(parts)} parts`, x);
  const sizes =
    typeof parts === "number"
      ? Array.from({ length: parts }, () => partOf(site, x, whole, parts, "equal parts"))
      : parts.map((part) => dim(part));
  if (typeof parts === "number" && parts < 1) site.fail(`cannot split into ${parts} parts`, x);
  const total = sizes.reduce(addDims, dim(0));
  if (!sameDim(total, whole))
    site.fail(`the parts add up to ${showDim(total)}, but axis ${axis} is ${showDim(whole)} long`, x);
  let start = dim(0);
  return sizes.map((part) => {
    const value = site.emit("slice", { x }, { axis, start, size: part });
    start = addDims(start, part);
    return value;
  });
}

/** Layers that take a tensor apart along an axis, and put parts together. */
export const pieceLayers = {
  heads: defineLayer({
    doc: "[.., T, n · K] → [.., n, T, K]: the channels as n heads",
    operands: ["x"],
    parameters: { n: int() },
    owns: [],
    build: (site, [x], { n }) => {
      needRank(site, x!, 2, "[.., T, D]");
      const sizes = x!.type.shape;
      const rank = sizes.length;
      const width = partOf(site, x!, sizes[rank - 1]!, n, "heads");
      const split = reshape(site, x!, [...sizes.slice(0, -1), dim(n), width]);
      const axes = [...sizes.keys()].slice(0, -2);
      return site.emit("permute", { x: split }, { axes: [...axes, rank - 1, rank - 2, rank] });
    },
  }),
  merge_heads: defineLayer({
    doc: "[.., H, T, K] → [.., T, H · K]: the heads side by side again",
    operands: ["x"],
    parameters: {},
    owns: [],
    build: (site, [x]) => {
      needRank(site, x!, 3, "[.., H, T, K]");
      const sizes = x!.type.shape;
      const rank = sizes.length;
      const axes = [...sizes.keys()].slice(0, -3);
      const turned = site.emit("permute", { x: x! }, { axes: [...axes, rank - 2, rank - 3, rank - 1] });
      const [heads, length, width] = sizes.slice(-3);
      return reshape(site, turned, [...sizes.slice(0, -3), length!, multiplyDims(heads!, width!)]);
    },
  }),
  split: defineLayer({
    doc: "a tuple of parts along an axis: n equal ones, or parts of the sizes in a list",
    operands: ["x"],
    parameters: { n: pieces(), axis: int(-1) },
    owns: [],
    build: (site, [x], { n, axis }) => split(site, x!, n, axis),
  }),
  concat: defineLayer({
    doc: "a tuple's values one after the other along an axis",
    operands: ["values*"],
    parameters: { axis: int() },
    owns: [],
    build: (site, values, { axis }) =>
      site.emit("concat", { values }, { axis: axisOf(site, values[0]!, axis) }),
  }),
  select: defineLayer({
    doc: "the part of x at one place of an axis; the axis is left out unless keep",
    operands: ["x"],
    parameters: { index: int(), axis: int(-1), keep: flag(false) },
    owns: [],
    build: (site, [x], { index, axis, keep }) => select(site, x!, index, axis, keep),
  }),
  slice: defineLayer({
    doc: "the part of x from start up to end (the axis' end if not given) along an axis",
    operands: ["x"],
    parameters: { start: size(), end: optionalSize(), axis: int(-1) },
    owns: [],
    build: (site, [x], { start, end, axis: given }) => {
      const axis = axisOf(site, x!, given);
      const length = subtractDims(end ?? x!.type.shape[axis]!, start);
      return site.emit("slice", { x: x! }, { axis, start, size: length });
    },
  }),
} as const;
