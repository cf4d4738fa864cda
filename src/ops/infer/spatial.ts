import { largest } from "../../support/lists.ts";
import {
  addDims,
  constantDim,
  dim,
  floorDivideDim,
  multiplyDims,
  sameDim,
  showDim,
  subtractDims,
  type Dim,
} from "../../tensor/dim.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { firstOf, floatElements, rankIs, rowVector, wholeAtLeast } from "./check.ts";

type Types = readonly TensorType[] | Mismatch;

/** floor((size + 2·padding - kernel) / stride) + 1. */
function windows(size: Dim, kernel: Dim, stride: number, padding: number): Dim {
  const room = subtractDims(addDims(size, dim(2 * padding)), kernel);
  return addDims(floorDivideDim(room, stride), dim(1));
}

/** One whole number for each of the two spatial axes. */
function pair(name: string, values: readonly number[], least: number): Mismatch | undefined {
  if (values.length !== 2) return new Mismatch(name, `expected 2 numbers, got [${values.join(", ")}]`);
  return firstOf(...values.map((value) => wholeAtLeast(name, value, least)));
}

/** Sizes are held exactly up to 2^53; pictures and paddings below this keep sums of them there. */
const LARGEST_SIZE = 2 ** 40;

function spatialSizes(
  x: TensorType,
  kernel: readonly Dim[],
  stride: readonly number[],
  padding: readonly number[],
): readonly Dim[] | Mismatch {
  const extent = largest([...x.shape.slice(2).map((size) => constantDim(size) ?? 0), ...padding]);
  if (extent > LARGEST_SIZE)
    return new Mismatch("x", `${showType(x)} with padding ${padding.join(", ")} is too large`);
  const sizes = [0, 1].map((axis) =>
    windows(x.shape[axis + 2]!, kernel[axis]!, stride[axis]!, padding[axis]!),
  );
  if (sizes.some((size) => (constantDim(size) ?? 1) < 1))
    return new Mismatch("x", `${showType(x)} is smaller than the kernel [${kernel.map(showDim).join(", ")}]`);
  return sizes;
}

export function inferConv2d(
  x: TensorType,
  weight: TensorType,
  bias: TensorType | undefined,
  attrs: { readonly stride: readonly number[]; readonly padding: readonly number[]; readonly groups: number },
): Types {
  const { stride, padding, groups } = attrs;
  const wrong = firstOf(
    floatElements("x", x),
    rankIs("x", x, 4, "[B, C, H, W]"),
    rankIs("weight", weight, 4, "[O, C / groups, R, S]"),
    floatElements("weight", weight),
    pair("stride", stride, 1),
    pair("padding", padding, 0),
    wholeAtLeast("groups", groups, 1),
  );
  if (wrong !== undefined) return wrong;
  const [outputs, inputs, ...kernel] = weight.shape as [Dim, Dim, Dim, Dim];
  const channels = x.shape[1]!;
  if (!sameDim(multiplyDims(inputs, dim(groups)), channels))
    return new Mismatch(
      "weight",
      `expected ${showDim(channels)} channels in ${groups} groups, as x has, got ${showType(weight)}`,
    );
  if ((constantDim(outputs) ?? 0) % groups !== 0)
    return new Mismatch("groups", `${showDim(outputs)} output channels do not split into ${groups} groups`);
  const sizes = spatialSizes(x, kernel, stride, padding);
  if (sizes instanceof Mismatch) return sizes;
  const out = { dtype: x.dtype, shape: [x.shape[0]!, outputs, ...sizes] };
  return rowVector("bias", bias, outputs, "the output channels") ?? [out];
}

export function inferMaxPool2d(
  x: TensorType,
  attrs: {
    readonly kernel: readonly number[];
    readonly stride: readonly number[];
    readonly padding: readonly number[];
  },
): Types {
  const { kernel, stride, padding } = attrs;
  const wrong = firstOf(
    floatElements("x", x),
    rankIs("x", x, 4, "[B, C, H, W]"),
    pair("kernel", kernel, 1),
    pair("stride", stride, 1),
    pair("padding", padding, 0),
  );
  if (wrong !== undefined) return wrong;
  if (padding.some((size, axis) => 2 * size > kernel[axis]!))
    return new Mismatch(
      "padding",
      `[${padding.join(", ")}] is more than half of the kernel [${kernel.join(", ")}]`,
    );
  const sizes = spatialSizes(x, kernel.map(dim), stride, padding);
  if (sizes instanceof Mismatch) return sizes;
  return [{ dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...sizes] }];
}

/** batch_norm: statistics [C] for the channels of one axis. */
export function inferBatchNorm(
  x: TensorType,
  vectors: { readonly [name: string]: TensorType | undefined },
  axis: number,
): Types {
  const wrong = floatElements("x", x);
  if (wrong !== undefined) return wrong;
  const channels = axis >= 0 ? x.shape[axis] : undefined;
  if (channels === undefined) return new Mismatch("axis", `there is no axis ${axis} in ${showType(x)}`);
  const checks = Object.entries(vectors).map(([name, type]) =>
    rowVector(name, type, channels, `axis ${axis} of x`),
  );
  return firstOf(...checks) ?? [x];
}
