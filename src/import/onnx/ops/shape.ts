import type { Value } from "../../../ir/graph.ts";
import {
  addDims,
  constantDim,
  dim,
  divideDims,
  productOfDims,
  sameDim,
  subtractDims,
  type Dim,
} from "../../../tensor/dim.ts";
import { broadcastShapes } from "../../../tensor/type.ts";
import { NoForm } from "../graph.ts";
import { intOf, intsOf } from "../model.ts";
import { isStored, type Site } from "../site.ts";
import { gatherFlat, gatherNd } from "./gather-nd.ts";
import { axesOf, axisOf, rankOf, type Convert } from "./form.ts";

/** Axes as an attribute in older opsets, an input in newer ones. */
export const axesAt = (site: Site, index: number): readonly number[] | undefined =>
  intsOf(site.node, "axes") ?? (site.has(index) ? site.ints(index) : undefined);

/** 0 stands for a size that stays, -1 for the one that is left. */
function reshape(site: Site): Value {
  const x = site.value(0);
  const from = x.type.shape;
  const wanted = site.shape(1);
  const keepsZero = intOf(site.node, "allowzero", 0) === 1;
  const sizes = wanted.map((size, axis) =>
    constantDim(size) === 0 && !keepsZero ? (from[axis] ?? dim(0)) : size,
  );
  const open = sizes.findIndex((size) => constantDim(size) === -1);
  if (open < 0) return site.reshape(x, sizes);
  const others = productOfDims(sizes.filter((_, axis) => axis !== open));
  const left = divideDims(productOfDims(from), others);
  if (left === undefined) throw new NoForm("a shape whose open size does not follow from the others");
  return site.reshape(x, sizes.with(open, left));
}

const flatten: Convert = (site) => {
  const x = site.value(0);
  const { shape } = x.type;
  const axis = intOf(site.node, "axis", 1);
  const at = axis < 0 ? axis + shape.length : axis;
  return site.reshape(x, [productOfDims(shape.slice(0, at)), productOfDims(shape.slice(at))]);
};

const squeeze: Convert = (site) => {
  const x = site.value(0);
  const { shape } = x.type;
  const given = axesAt(site, 1);
  const axes = given === undefined ? undefined : axesOf(given, shape.length);
  const isKept = (size: Dim, axis: number): boolean =>
    axes === undefined ? constantDim(size) !== 1 : !axes.includes(axis);
  if (axes === undefined && shape.some((size) => constantDim(size) === undefined))
    throw new NoForm("axes that are not named, of sizes that are known at run time");
  return site.reshape(x, shape.filter(isKept));
};

const unsqueeze: Convert = (site) => {
  const x = site.value(0);
  const given = axesAt(site, 1) ?? [];
  const rank = rankOf(x) + given.length;
  const axes = new Set(axesOf(given, rank));
  const left = [...x.type.shape];
  return site.reshape(
    x,
    Array.from({ length: rank }, (_, axis) => (axes.has(axis) ? dim(1) : left.shift()!)),
  );
};

const transpose: Convert = (site) => {
  const x = site.value(0);
  return site.permute(x, intsOf(site.node, "perm") ?? [...x.type.shape.keys()].reverse());
};

const expand: Convert = (site) => {
  const x = site.value(0);
  const shape = broadcastShapes(x.type.shape, site.shape(1));
  if (shape === undefined) throw new NoForm("sizes that need not fit");
  return site.emit("broadcast", { x }, { shape });
};

/** A place on an axis: from the end if negative, no further than the axis. Undefined if run-time sizes leave it open. */
function placeOn(axis: Dim, at: Dim): Dim | undefined {
  const known = constantDim(at);
  if (known === undefined) {
    const [first] = at.terms;
    return first !== undefined && first.coefficient < 0 ? addDims(axis, at) : at;
  }
  if (known < 0) {
    const size = constantDim(axis);
    return size === undefined ? addDims(axis, at) : dim(Math.max(0, size + known));
  }
  const left = constantDim(subtractDims(axis, at));
  if (left !== undefined) return left < 0 ? axis : at;
  // More than any text is long: to the end.
  return known >= 2 ** 31 - 1 ? axis : at;
}

const slice: Convert = (site) => {
  const { node } = site;
  const old = ["starts", "ends", "axes"].map((name) => intsOf(node, name)?.map((each) => dim(each)));
  const starts = old[0] ?? site.shape(1);
  const ends = old[1] ?? site.shape(2);
  const given = old[2]?.map((each) => constantDim(each)!) ?? (site.has(3) ? site.ints(3) : undefined);
  const steps = site.has(4) ? site.ints(4) : [];
  let x = site.value(0);
  const axes = axesOf(given ?? starts.map((_, axis) => axis), rankOf(x));
  for (const [index, axis] of axes.entries()) {
    const step = steps[index] ?? 1;
    const size = x.type.shape[axis]!;
    const [start, end] = [placeOn(size, starts[index]!), placeOn(size, ends[index]!)];
    if (start === undefined || end === undefined || step < 1) throw new NoForm(`steps of ${step}`);
    x = step === 1 ? part(site, x, axis, start, end) : strided(site, x, axis, start, end, step);
  }
  return x;
};

const part = (site: Site, x: Value, axis: number, start: Dim, end: Dim): Value =>
  site.emit("slice", { x }, { axis, start, size: subtractDims(end, start) });

/** Every step-th element: one of each group, where groups fill the axis. */
function strided(site: Site, x: Value, axis: number, start: Dim, end: Dim, step: number): Value {
  const { shape } = x.type;
  const [whole, first, last] = [shape[axis]!, start, end].map(constantDim);
  if (whole === undefined || first === undefined || last === undefined)
    throw new NoForm("steps along an axis of a run-time size");
  // The group of the first element, and whether those behind it end with the axis or the part.
  const begin = first - (first % step);
  const groups = Math.ceil((last - first) / step);
  if (begin + groups * step <= whole) {
    const grouped = part(site, x, axis, dim(begin), dim(begin + groups * step));
    const apart = [...shape.slice(0, axis), dim(groups), dim(step), ...shape.slice(axis + 1)];
    const at = part(site, site.reshape(grouped, apart), axis + 1, dim(first - begin), dim(first - begin + 1));
    return site.reshape(at, shape.with(axis, dim(groups)));
  }
  const parts = Array.from({ length: groups }, (_, index) =>
    part(site, x, axis, dim(first + index * step), dim(first + index * step + 1)),
  );
  return site.emit("concat", { values: parts }, { axis });
}

const split: Convert = (site) => {
  const x = site.value(0);
  const axis = axisOf(intOf(site.node, "axis", 0), rankOf(x));
  const size = x.type.shape[axis]!;
  const count = intOf(site.node, "num_outputs", site.node.outputs.length);
  const given = intsOf(site.node, "split") ?? (site.has(1) ? site.ints(1) : undefined);
  const whole = constantDim(size);
  if (given === undefined && whole === undefined) throw new NoForm("equal parts of a run-time size");
  const each = Math.ceil((whole ?? 0) / count);
  const sizes = given ?? Array.from({ length: count }, (_, at) => Math.min(each, whole! - at * each));
  let start = 0;
  return sizes.map((part) => {
    const made = site.emit("slice", { x }, { axis, start: dim(start), size: dim(part) });
    start += part;
    return made;
  });
};

const concat: Convert = (site) => {
  const values = site.values();
  const [first] = values;
  const full = values.filter(({ type }) => !type.shape.some((size) => constantDim(size) === 0));
  if (full.length < 2) return full[0] ?? first!;
  return site.emit("concat", { values: full }, { axis: axisOf(intOf(site.node, "axis", 0), rankOf(first!)) });
};

/** Rows of a table by ids, or the part at one place of an axis. */
const gather: Convert = (site) => {
  const x = site.value(0);
  const axis = axisOf(intOf(site.node, "axis", 0), rankOf(x));
  const at = site.sizes(1);
  if (at !== undefined && at.dims.length === 1) {
    const index = placeOn(x.type.shape[axis]!, at.dims[0]!)!;
    const part = site.emit("slice", { x }, { axis, start: index, size: dim(1) });
    return at.isScalar ? site.reshape(part, x.type.shape.toSpliced(axis, 1)) : part;
  }
  if (axis === 0) {
    const rows = gatherFlat(site, x, site.value(1));
    if (rows !== undefined) return rows;
  }
  if (axis !== 0 || rankOf(x) !== 2) {
    const known = site.known(1);
    const places = known?.shape.length === 1 ? [...known.data] : undefined;
    const [first = 0] = places ?? [];
    if (places === undefined || places.some((place, index) => place !== first + index) || first < 0)
      throw new NoForm(`elements of axis ${axis} by computed places`);
    return site.emit("slice", { x }, { axis, start: dim(first), size: dim(places.length) });
  }
  return site.emit("embedding", { table: x, ids: site.value(1) }, {});
};

/** x[.., i] by places in each row, where rows are as many. */
const gatherElements: Convert = (site) => {
  const [x, indices] = [site.value(0), site.value(1)];
  const isLast = axisOf(intOf(site.node, "axis", 0), rankOf(x)) === rankOf(x) - 1;
  const rows = x.type.shape.slice(0, -1).every((size, axis) => sameDim(size, indices.type.shape[axis]));
  if (!isLast || !rows) throw new NoForm("an axis that is not the last, or fewer rows");
  return site.emit("take", { x, indices }, {});
};

export const shapeOps: Readonly<Record<string, Convert>> = {
  Concat: concat,
  Dropout: (site) => site.meaning(0),
  Expand: expand,
  Flatten: flatten,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  Reshape: (site) => {
    const meaning = site.meaning(0);
    const sizes = site.sizes(1)?.dims.map(constantDim);
    // A number or list that the file has keeps its elements.
    if (isStored(meaning) && sizes?.every((size) => size !== undefined && size > 0) === true)
      return { ...meaning, shape: sizes as readonly number[] };
    return reshape(site);
  },
  Slice: slice,
  Split: split,
  Squeeze: squeeze,
  Transpose: transpose,
  Unsqueeze: unsqueeze,
};
