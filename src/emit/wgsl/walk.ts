import { mergeAxes, type View } from "../../kernels/view.ts";
import type { Code } from "../../support/text.ts";
import { constantDim, multiplyDims, productOfDims, sameDim, type Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import type { KernelBuilder } from "./builder.ts";
import type { Groups } from "./kernel.ts";
import { ifThen } from "./text.ts";

/** Invocations a workgroup where each stands for one element. */
export const LIST_SIZE = 256;

/** A tensor that is walked: its name in the kernel and a stride for each axis of the walk. */
export interface Walked {
  readonly name: string;
  readonly strides: readonly Dim[];
}

/** Where each tensor of a walk stands for one index. */
export interface Places {
  readonly lines: readonly Code[];
  /** An index expression a tensor, in their order. */
  readonly at: readonly string[];
}

/**
 * Splits a running index over `shape` into the fewest axes that all tensors walk at one stride each, and says where
 * each tensor then stands. The variables are called `index0`, `index1`, …, outermost first.
 */
export function places(
  builder: KernelBuilder,
  index: string,
  shape: Shape,
  tensors: readonly Walked[],
): Places {
  const axes = mergeAxes(
    shape,
    tensors.map(({ strides }) => strides),
  );
  const sizes = axes.map(({ size }) => size);
  const coordinate = (axis: number): string => (axes.length === 1 ? index : `${index}${axis}`);
  const isSplit = tensors.some(
    (_, tensor) =>
      axes.length > 1 &&
      !isRowMajor(
        sizes,
        axes.map(({ strides }) => strides[tensor]!),
      ),
  );
  const at = tensors.map(({ name }, tensor) => {
    const strides = axes.map(({ strides }) => strides[tensor]!);
    if (axes.length > 0 && isRowMajor(sizes, strides)) return index;
    const terms = strides.map((stride, axis) =>
      builder.stride(coordinate(axis), `${name}_${index}${axes.length === 1 ? "" : axis}_step`, stride),
    );
    return terms.filter((term) => term !== "").join(" + ") || "0u";
  });
  return { lines: isSplit ? split(builder, index, sizes) : [], at };
}

/** `let i2 = i % size2; let i1 = i / size2 % size1; let i0 = i / size2 / size1;` */
function split(builder: KernelBuilder, index: string, sizes: readonly Dim[]): string[] {
  const lines: string[] = [];
  let rest = index;
  for (let axis = sizes.length - 1; axis > 0; axis--) {
    // Where a size is known to be 0 nothing is walked, but a division by it would not compile.
    const isNone = constantDim(sizes[axis]!) === 0;
    const size = isNone ? "1u" : builder.size(`${index}${axis}_size`, sizes[axis]!);
    lines.push(`let ${index}${axis} = ${rest} % ${size};`);
    const next = `${rest} / ${size}`;
    if (axis === 1) lines.push(`let ${index}0 = ${next};`);
    else {
      lines.push(`let ${index}_above${axis} = ${next};`);
      rest = `${index}_above${axis}`;
    }
  }
  return lines;
}

/** One invocation an element: `index` counts them; those past the end are gone. */
export function eachElement(
  builder: KernelBuilder,
  shape: Shape,
  index = "i",
): { lines: Code[]; groups: Groups } {
  builder.builtin("id", "groups");
  const count = productOfDims(shape);
  const lines = [
    `let ${index} = id.y * groups.x * ${LIST_SIZE}u + id.x;`,
    ...ifThen(`${index} >= ${builder.size("count", count)}`, ["return;"]),
  ];
  return { lines, groups: { kind: "list", count, per: LIST_SIZE } };
}

/** One workgroup a row: `row` counts them; those past the end are gone. */
export function eachRow(builder: KernelBuilder, leading: Shape): { lines: Code[]; groups: Groups } {
  builder.builtin("group", "groups", "lane");
  const count = productOfDims(leading);
  const lines = [
    "let row = group.y * groups.x + group.x;",
    ...ifThen(`row >= ${builder.size("rows", count)}`, ["return;"]),
  ];
  return { lines, groups: { kind: "list", count, per: 1 } };
}

/** The same, with the place where the row of each tensor begins, as `NAME_row`. */
export function eachRowOf(
  builder: KernelBuilder,
  leading: Shape,
  tensors: Readonly<Record<string, View>>,
  stridesOf = ({ strides }: View): readonly Dim[] => strides.slice(0, -1),
): { lines: Code[]; groups: Groups } {
  const each = eachRow(builder, leading);
  const walked = Object.entries(tensors).map(([name, view]) => ({ name, strides: stridesOf(view) }));
  const rows = places(builder, "row", leading, walked);
  const begins = walked.map(({ name }, index) => `let ${name}_row = ${rows.at[index]!};`);
  return { lines: [...each.lines, ...rows.lines, ...begins], groups: each.groups };
}

/** Whether strides are those of a row-major walk over sizes. */
function isRowMajor(sizes: readonly Dim[], strides: readonly Dim[]): boolean {
  let expected: Dim | undefined;
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    if (expected === undefined ? constantDim(strides[axis]!) !== 1 : !sameDim(strides[axis], expected))
      return false;
    expected = expected === undefined ? sizes[axis]! : multiplyDims(expected, sizes[axis]!);
  }
  return true;
}
