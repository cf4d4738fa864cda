import {
  constantDim,
  dim,
  divideDims,
  divisionsOf,
  floorDivideDim,
  multiplyDims,
  productOfDims,
  sameDim,
  showDim,
  type Dim,
} from "../../tensor/dim.ts";
import { elementsOf, showShape, showType, type TensorType } from "../../tensor/type.ts";
import { defineLayer, dtypeOf, int, ints, optionalInts, shape, size } from "./define.ts";
import { axisOf, needRank, reshape, without } from "./shapes-of.ts";

/** Layers that move elements and compute nothing. */
export const shapeLayers = {
  unsqueeze: defineLayer({
    doc: "x with a new axis of size 1",
    operands: ["x"],
    parameters: { axis: int() },
    owns: [],
    build: (site, [x], { axis }) => {
      const sizes = x!.type.shape;
      const at = axisOf(site, x!, axis, sizes.length + 1);
      return reshape(site, x!, [...sizes.slice(0, at), dim(1), ...sizes.slice(at)]);
    },
  }),
  squeeze: defineLayer({
    doc: "x without an axis of size 1",
    operands: ["x"],
    parameters: { axis: int() },
    owns: [],
    build: (site, [x], { axis }) => {
      const at = axisOf(site, x!, axis);
      const length = x!.type.shape[at]!;
      if (constantDim(length) !== 1) site.fail(`axis ${at} of ${showType(x!.type)} is not of size 1`, x);
      return reshape(site, x!, without(x!.type.shape, at));
    },
  }),
  expand: defineLayer({
    doc: "x with an axis of size 1 repeated n times",
    operands: ["x"],
    parameters: { axis: int(), n: size() },
    owns: [],
    build: (site, [x], { axis, n }) => {
      const at = axisOf(site, x!, axis);
      return site.emit(
        "broadcast",
        { x: x! },
        { shape: x!.type.shape.map((length, index) => (index === at ? n : length)) },
      );
    },
  }),
  flatten: defineLayer({
    doc: "x with the axes from a given one on as a single axis",
    operands: ["x"],
    parameters: { from: int() },
    owns: [],
    build: (site, [x], { from }) => {
      const at = axisOf(site, x!, from);
      return reshape(site, x!, [...x!.type.shape.slice(0, at), productOfDims(x!.type.shape.slice(at))]);
    },
  }),
  reshape: defineLayer({
    doc: "x with the same elements in row-major order under another shape",
    operands: ["x"],
    parameters: { shape: shape() },
    owns: [],
    build: (site, [x], { shape: sizes }) => {
      if (sizes.some((length) => constantDim(length) === -1)) site.fail(sizeToWrite(x!.type, sizes), x);
      if (!sameDim(elementsOf(x!.type), productOfDims(sizes)))
        site.fail(`${showType(x!.type)} does not fill ${showShape(sizes)}${cutFirst(x!.type, sizes)}`, x);
      return reshape(site, x!, sizes);
    },
  }),
  permute: defineLayer({
    doc: "x with its axes in another order: axis i of the result is axis axes[i] of x",
    operands: ["x"],
    parameters: { axes: ints() },
    owns: [],
    build: (site, [x], { axes }) =>
      site.emit("permute", { x: x! }, { axes: axes.map((axis) => axisOf(site, x!, axis)) }),
  }),
  transpose: defineLayer({
    doc: "x with two axes in each other's place, the last two if not given",
    operands: ["x"],
    parameters: { axes: optionalInts() },
    owns: [],
    build: (site, [x], { axes }) => {
      needRank(site, x!, 2, "at least two axes");
      const [first = -2, second = -1] = axes ?? [];
      if (axes !== undefined && axes.length !== 2)
        site.fail(
          `two axes change places, got ${axes.length}; \`permute\` takes all of them in their new order`,
        );
      const a = axisOf(site, x!, first);
      const b = axisOf(site, x!, second);
      const order = x!.type.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis));
      return site.emit("permute", { x: x! }, { axes: order });
    },
  }),
  cast: defineLayer({
    doc: "x with its elements rounded to another dtype",
    operands: ["x"],
    parameters: { dtype: dtypeOf() },
    owns: [],
    build: (site, [x], { dtype }) => site.emit("cast", { x: x! }, { dtype }),
  }),
} as const;

/** `div` rounds down, so that an axis that is divided may have elements over: what cuts them off, if that makes it fit. */
function cutFirst(type: TensorType, sizes: readonly Dim[]): string {
  for (const { of, by } of sizes.flatMap(divisionsOf))
    for (const [axis, size] of type.shape.entries()) {
      if (!sameDim(size, of)) continue;
      const whole = multiplyDims(dim(by), floorDivideDim(of, by));
      if (!sameDim(productOfDims(type.shape.with(axis, whole)), productOfDims(sizes))) continue;
      const [part, cut] = [showDim(floorDivideDim(of, by)), showDim(whole).replaceAll("*", " * ")];
      return `, as \`${part}\` rounds down: cut off what is over first, \`slice(0, end: ${cut}, axis: ${axis})\``;
    }
  return "";
}

/** NumPy's -1 in a shape: sizes are written, so that a reader of the model sees them. */
function sizeToWrite(type: TensorType, sizes: readonly Dim[]): string {
  const others = sizes.filter((length) => constantDim(length) !== -1);
  const left = divideDims(elementsOf(type), productOfDims(others));
  const isOne = others.length === sizes.length - 1;
  return isOne && left !== undefined
    ? `-1 is no size: write ${showDim(left)} in its place`
    : `-1 is no size, and ${showType(type)} does not fill the others`;
}
