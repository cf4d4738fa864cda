import { append } from "../support/lists.ts";
import { invariant } from "../support/invariant.ts";
import { addDims, constantDim, dim, multiplyDims, productOfDims, sameDim, type Dim } from "../tensor/dim.ts";
import type { Shape, TensorType } from "../tensor/type.ts";
import { broadcastShapes, sameShape } from "../tensor/type.ts";

/** A tensor in a buffer: element [i, j, …] stands at offset + i · strides[0] + j · strides[1] + …, counted in elements. */
export interface View {
  /** The index of the buffer in the plan. */
  readonly buffer: number;
  readonly type: TensorType;
  readonly offset: Dim;
  readonly strides: readonly Dim[];
}

/** Axes that every view of a loop walks at one stride each: what is left of a shape when neighbours are merged. */
export interface Axis {
  readonly size: Dim;
  /** One stride a view. */
  readonly strides: readonly Dim[];
}

/**
 * How an operand may lie in memory.
 * `any`: any strides, 0 for a broadcast axis. `unit`: the last axis has stride 1, the others any. `rows`: as `unit`, and
 * the leading axes are one axis with one stride. `dense`: row-major without gaps.
 */
export type Form = "any" | "unit" | "rows" | "dense";

const zero = dim(0);
const one = dim(1);

const isOne = (size: Dim): boolean => constantDim(size) === 1;

/** Known to have no elements, whatever the run-time dims are. */
export const isEmpty = ({ shape }: TensorType): boolean => shape.some((size) => constantDim(size) === 0);

/** Strides of a row-major tensor without gaps. */
export function denseStrides(shape: Shape): Dim[] {
  const strides: Dim[] = [];
  let stride = one;
  for (const size of shape.toReversed()) {
    strides.push(stride);
    stride = multiplyDims(stride, size);
  }
  return strides.reverse();
}

/** A whole buffer, row-major. */
export const denseView = (buffer: number, type: TensorType): View => ({
  buffer,
  type,
  offset: zero,
  strides: denseStrides(type.shape),
});

/**
 * The fewest axes that walk a shape in order for all strides at once; axes of size 1 vanish. Two neighbours merge if
 * in every view a step of the outer one is as long as the whole inner one.
 */
export function mergeAxes(shape: Shape, strides: readonly (readonly Dim[])[]): Axis[] {
  const axes: Axis[] = [];
  shape.forEach((size, axis) => {
    if (isOne(size)) return;
    const own = strides.map((view) => view[axis]!);
    const outer = axes.at(-1);
    const merges =
      outer?.strides.every((stride, view) => sameDim(stride, multiplyDims(own[view]!, size))) === true;
    if (merges) axes[axes.length - 1] = { size: multiplyDims(outer.size, size), strides: own };
    else axes.push({ size, strides: own });
  });
  return axes;
}

/** Row-major without gaps. */
export function isDense(view: View): boolean {
  const axes = mergeAxes(view.type.shape, [view.strides]);
  return axes.length === 0 || (axes.length === 1 && sameDim(axes[0]!.strides[0], one));
}

/** The stride between rows (all leading axes as one), or undefined if the leading axes are not one; a lone row has 0. */
export function rowStride(view: View): Dim | undefined {
  const axes = mergeAxes(view.type.shape.slice(0, -1), [view.strides.slice(0, -1)]);
  if (axes.length > 1) return undefined;
  return axes[0]?.strides[0] ?? zero;
}

/** The stride between rows of a view whose form is `rows`. */
export function rowStep(view: View): Dim {
  const stride = rowStride(view);
  invariant(stride !== undefined, "rows of a view have no one stride");
  return stride;
}

const hasUnitRows = (view: View): boolean => {
  const size = view.type.shape.at(-1);
  return size === undefined || isOne(size) || sameDim(view.strides.at(-1), one);
};

/** Whether a kernel that asks for `form` can read the view as it lies. */
export function hasForm(view: View, form: Form): boolean {
  switch (form) {
    case "any":
      return true;
    case "unit":
      return hasUnitRows(view);
    case "rows":
      return hasUnitRows(view) && rowStride(view) !== undefined;
    case "dense":
      return isDense(view);
  }
}

/** Axis i of the result is axis axes[i] of the view. */
export const permuteView = (view: View, axes: readonly number[], type: TensorType): View => ({
  ...view,
  type,
  strides: axes.map((axis) => view.strides[axis]!),
});

/** The part from `start` along one axis, as large as `type` says. */
export const sliceView = (view: View, axis: number, start: Dim, type: TensorType): View => ({
  ...view,
  type,
  offset: addDims(view.offset, multiplyDims(start, view.strides[axis]!)),
});

/** Stretched as NumPy broadcasts: new axes and those of size 1 have stride 0. */
export function broadcastView(view: View, type: TensorType): View {
  invariant(broadcastShapes(view.type.shape, type.shape) !== undefined, "shapes do not broadcast");
  const added = type.shape.length - view.type.shape.length;
  const strides = type.shape.map((size, axis) => {
    const from = view.type.shape[axis - added];
    return from === undefined || !sameDim(from, size) ? zero : view.strides[axis - added]!;
  });
  return { ...view, type, strides };
}

/**
 * The same elements in row-major order under another shape, without a copy, or undefined if strides cannot say that:
 * each merged axis of the view must be a product of neighbouring new axes.
 */
export function reshapeView(view: View, type: TensorType): View | undefined {
  if (isEmpty(type)) return { ...view, type, strides: denseStrides(type.shape) };
  const strides: Dim[] = [];
  let axis = 0;
  for (const merged of mergeAxes(view.type.shape, [view.strides])) {
    const first = axis;
    let size = one;
    while (!sameDim(size, merged.size)) {
      const next = type.shape[axis];
      if (next === undefined) return undefined;
      size = multiplyDims(size, next);
      axis++;
    }
    const inner = denseStrides(type.shape.slice(first, axis));
    append(
      strides,
      inner.map((stride) => multiplyDims(stride, merged.strides[0]!)),
    );
  }
  const rest = type.shape.slice(axis);
  return rest.every(isOne) ? { ...view, type, strides: [...strides, ...rest.map(() => one)] } : undefined;
}

/** How many different elements a view reaches: broadcast axes count once. */
export const distinctElements = (view: View): Dim =>
  productOfDims(view.type.shape.filter((_, axis) => !sameDim(view.strides[axis], zero)));

/** Whether both are the same elements of the same buffer, in the same order. */
export const sameView = (a: View, b: View): boolean =>
  a.buffer === b.buffer &&
  sameDim(a.offset, b.offset) &&
  sameShape(a.type.shape, b.type.shape) &&
  a.strides.every((stride, axis) => sameDim(stride, b.strides[axis]));
