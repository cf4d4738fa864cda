import { largest } from "../../../support/lists.ts";
import {
  addDims,
  constantDim,
  dim,
  divideDims,
  floorDivideDim,
  multiplyDims,
  productOfDims,
  sameDim,
  subtractDims,
  type Dim,
} from "../../../tensor/dim.ts";
import { heldAs } from "../../../checkpoint/onnx/held.ts";
import { NoForm } from "../graph.ts";
import { intOf, intsOf } from "../model.ts";
import { isSizes, isStored, type Site, type Sizes } from "../site.ts";
import { dtypeOf } from "../tensors.ts";

type SizesOf = (site: Site, inputs: readonly Sizes[]) => Sizes | undefined;

/**
 * What a node makes of sizes, if that is sizes again: shapes are computed when a model is read, not when it runs. Undefined for
 * what is computed with values.
 */
export function convertSizes(site: Site): Sizes | undefined {
  const { op } = site.node;
  if (op === "Shape" || op === "Size") return shapeOf(site);
  const fold = Object.hasOwn(folds, op) ? folds[op] : undefined;
  if (fold === undefined || site.node.domain !== "") return undefined;
  const inputs: Sizes[] = [];
  for (let index = 0; index < site.count; index++) {
    const sizes = site.has(index) ? site.sizes(index) : undefined;
    if (sizes === undefined) return undefined;
    inputs.push(sizes);
  }
  return inputs.length === 0 ? undefined : fold(site, inputs);
}

/** The shape of anything, from one axis to another. */
function shapeOf(site: Site): Sizes {
  const meaning = site.meaning(0);
  const shape = isSizes(meaning)
    ? meaning.isScalar
      ? []
      : [dim(meaning.dims.length)]
    : isStored(meaning)
      ? meaning.shape.map((size) => dim(size))
      : meaning.type.shape;
  if (site.node.op === "Size") return { dims: [productOfDims(shape)], isScalar: true, dtype: "i32" };
  const end = intOf(site.node, "end", shape.length);
  return { dims: shape.slice(intOf(site.node, "start", 0), end), isScalar: false, dtype: "i32" };
}

const same = (sizes: Sizes, dims: readonly Dim[], isScalar = sizes.isScalar): Sizes => ({
  ...sizes,
  dims,
  isScalar,
});

/** Of lists that are equally long, or of a number for each of a list. */
const pairwise =
  (make: (a: Dim, b: Dim) => Dim | undefined, dtype?: "bool"): SizesOf =>
  (_, [a, b]) => {
    if (a === undefined || b === undefined) return undefined;
    const length = Math.max(a.dims.length, b.dims.length);
    const at = ({ dims }: Sizes, index: number): Dim => dims[dims.length === 1 ? 0 : index] ?? dim(0);
    const dims = Array.from({ length }, (__, index) => make(at(a, index), at(b, index)));
    if (!dims.every((each) => each !== undefined)) return undefined;
    return { dims, isScalar: a.isScalar && b.isScalar, dtype: dtype ?? a.dtype };
  };

/** Rounds toward zero, which sizes do by themselves. */
function quotient(a: Dim, b: Dim): Dim | undefined {
  const [x, y] = [constantDim(a), constantDim(b)];
  if (x !== undefined && y !== undefined) return y === 0 ? undefined : dim(Math.trunc(x / y));
  return divideDims(a, b) ?? (y !== undefined && y > 0 ? floorDivideDim(a, y) : undefined);
}

const asDim = (isTrue: boolean): Dim => dim(isTrue ? 1 : 0);

/** Sizes of inputs are never negative, and two of other names need not differ. */
function isEqual(a: Dim, b: Dim): Dim | undefined {
  const difference = constantDim(subtractDims(a, b));
  if (difference !== undefined) return asDim(difference === 0);
  return isNegative(a) || isNegative(b) ? asDim(false) : undefined;
}

const isNegative = (a: Dim): boolean => (constantDim(a) ?? 0) < 0;

const compared = (holds: (difference: number) => boolean): SizesOf =>
  pairwise((a, b) => {
    const difference = constantDim(subtractDims(a, b));
    return difference === undefined ? undefined : asDim(holds(difference));
  }, "bool");

/** The larger or smaller of two, where that is one of them for all sizes. */
const extreme = (sign: 1 | -1): SizesOf =>
  pairwise((a, b) => {
    const difference = constantDim(subtractDims(a, b));
    if (difference !== undefined) return difference * sign >= 0 ? a : b;
    // A size is at least 0, and texts have a token.
    const [x, y] = [constantDim(a), constantDim(b)];
    if (x !== undefined && x <= 1) return sign > 0 ? b : a;
    return y !== undefined && y <= 1 ? (sign > 0 ? a : b) : undefined;
  });

/** Where a slice begins or ends: from the end if negative, within the list. */
const place = (at: number, length: number): number =>
  Math.max(0, Math.min(length, at < 0 ? at + length : at));

const slice: SizesOf = (_, [list, starts, ends, axes, steps]) => {
  const [start, end, axis, step] = [starts, ends, axes, steps].map((each) =>
    each === undefined ? undefined : constantDim(each.dims[0] ?? dim(0)),
  );
  if (list === undefined || start === undefined || end === undefined || (axis ?? 0) > 0) return undefined;
  if ((step ?? 1) !== 1) return undefined;
  const { length } = list.dims;
  return same(list, list.dims.slice(place(start, length), place(end, length)));
};

const gather: SizesOf = ({ node }, [list, index]) => {
  if (list === undefined || index === undefined || list.isScalar || intOf(node, "axis", 0) > 0)
    return undefined;
  const dims = index.dims.map((at) => list.dims.at(constantDim(at) ?? NaN));
  return dims.every((each) => each !== undefined) ? same(list, dims, index.isScalar) : undefined;
};

/** A list of one is a number without its axis, and a number a list of one with one more. */
const squeezed: SizesOf = (_, [list]) => (list?.dims.length === 1 ? same(list, list.dims, true) : undefined);

const unsqueezed: SizesOf = (site, [list]) => {
  const axes = intsOf(site.node, "axes") ?? (site.has(1) ? site.ints(1) : []);
  return list?.isScalar === true && axes.length === 1 ? same(list, list.dims, false) : undefined;
};

const reshaped: SizesOf = (_, [list, shape]) => {
  if (list === undefined || shape === undefined || shape.dims.length > 1) return undefined;
  return list.dims.length === 1 || !list.isScalar
    ? same(list, list.dims, shape.dims.length === 0)
    : undefined;
};

const expanded: SizesOf = (_, [list, shape]) => {
  const [count, ...rest] = shape?.dims ?? [];
  const length = count === undefined ? undefined : constantDim(count);
  if (list === undefined || length === undefined || rest.length > 0 || length > 64) return undefined;
  if (list.dims.length === length) return same(list, list.dims, false);
  return list.dims.length === 1 ? same(list, new Array<Dim>(length).fill(list.dims[0]!), false) : undefined;
};

const where: SizesOf = (_, [condition, a, b]) => {
  if (condition === undefined || a === undefined || b === undefined) return undefined;
  const all = [condition, a, b];
  const length = largest(all.map(({ dims }) => dims.length));
  const at = ({ dims }: Sizes, index: number): Dim => dims[dims.length === 1 ? 0 : index] ?? dim(0);
  const dims = Array.from({ length }, (__, index) => {
    const holds = constantDim(at(condition, index));
    const [x, y] = [at(a, index), at(b, index)];
    return sameDim(x, y) || holds === 1 ? x : holds === 0 ? y : undefined;
  });
  if (!dims.every((each) => each !== undefined)) return undefined;
  return { dims, isScalar: all.every(({ isScalar }) => isScalar), dtype: a.dtype };
};

const reduced =
  (make: (dims: readonly Dim[]) => Dim): SizesOf =>
  (site, [list]) =>
    list === undefined ? undefined : same(list, [make(list.dims)], intOf(site.node, "keepdims", 1) === 0);

const folds: Readonly<Record<string, SizesOf>> = {
  Identity: (_, [list]) => list,
  Cast: ({ node }, [list]) => {
    const to = heldAs(dtypeOf(intOf(node, "to", 0), "a cast"));
    return list === undefined || to === "f32" || (to === "bool") !== (list.dtype === "bool")
      ? undefined
      : { ...list, dtype: to };
  },
  Add: pairwise(addDims),
  Sub: pairwise(subtractDims),
  Mul: pairwise(multiplyDims),
  Div: pairwise(quotient),
  Mod: pairwise((a, b) => {
    const [x, y] = [constantDim(a), constantDim(b)];
    return x === undefined || y === undefined || y <= 0 || x < 0 ? undefined : dim(x % y);
  }),
  Max: extreme(1),
  Min: extreme(-1),
  Neg: (_, [list]) =>
    list &&
    same(
      list,
      list.dims.map((each) => multiplyDims(each, dim(-1))),
    ),
  Equal: pairwise(isEqual, "bool"),
  Less: compared((difference) => difference < 0),
  LessOrEqual: compared((difference) => difference <= 0),
  Greater: compared((difference) => difference > 0),
  GreaterOrEqual: compared((difference) => difference >= 0),
  Not: (_, [list]) =>
    list &&
    same(
      list,
      list.dims.map((each) => subtractDims(dim(1), each)),
    ),
  Concat: (_, lists) =>
    lists.some(({ isScalar }) => isScalar)
      ? undefined
      : same(
          lists[0]!,
          lists.flatMap(({ dims }) => dims),
        ),
  Slice: slice,
  Gather: gather,
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Reshape: reshaped,
  Expand: expanded,
  Where: where,
  ReduceProd: reduced(productOfDims),
  ReduceSum: reduced((dims) => dims.reduce(addDims, dim(0))),
  ConstantOfShape: ({ node }, [shape]) => {
    const value = node.attributes.get("value")?.tensor;
    const length = shape?.dims.length === 1 ? constantDim(shape.dims[0]!) : undefined;
    if (value === undefined || value.dtype !== "i64" || length === undefined || length > 64) return undefined;
    if (value.bytes.length !== 8) throw new NoForm("a value of several elements");
    const filled = Number(new DataView(value.bytes.buffer, value.bytes.byteOffset).getBigInt64(0, true));
    return { dims: new Array<Dim>(length).fill(dim(filled)), isScalar: false, dtype: "i32" };
  },
};
