import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { WgslKernel } from "../kernel.ts";
import { forLoop, ifThen } from "../text.ts";
import { eachElement, eachRow, LIST_SIZE } from "../walk.ts";
import { declareFold } from "./row.ts";

interface Window {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

/** Sizes of the picture, of the result that windows over it make, and of a window's steps. */
function windowSizes(builder: KernelBuilder, x: View, grad: View, { stride, padding }: Window): void {
  builder.size("height", x.type.shape[2]!);
  builder.size("width", x.type.shape[3]!);
  builder.size("out_height", grad.type.shape[2]!);
  builder.size("out_width", grad.type.shape[3]!);
  for (const [axis, letter] of ["y", "x"].entries()) {
    builder.constant(`stride_${letter}`, stride[axis]!, "i32");
    builder.constant(`padding_${letter}`, padding[axis]!, "i32");
  }
}

/** An element of the picture adds up what its windows give back. An element an invocation. */
const conv2d_x_grad: WgslKernel<"conv2d_x_grad"> = (
  { operands: { grad, weight }, attrs, results },
  context,
) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ grad, weight }, { out });
  const each = eachElement(builder, out.type.shape);
  windowSizes(builder, out, grad, attrs);
  const sizes = ["outputs", "inputs", "kernel_height", "kernel_width"] as const;
  sizes.forEach((name, axis) => builder.size(name, weight.type.shape[axis]!));
  builder.constant("conv_groups", attrs.groups);
  const body: Code[] = [
    ...each.lines,
    "let column = i32(i % width);",
    "let y = i32(i / width % height);",
    "let plane = i / width / height;",
    "let channels = inputs * conv_groups;",
    "let channel = plane % channels;",
    "let outputs_each = outputs / conv_groups;",
    "let first_output = channel / inputs * outputs_each;",
    "var sum = 0.0;",
    ...forLoop("r", "kernel_height", [
      "// The window whose row r is this one begins above it, a whole number of strides from the first.",
      "let from_top = y + padding_y - i32(r);",
      "let row = from_top / stride_y;",
      ...ifThen("from_top < 0 || from_top % stride_y != 0 || row >= i32(out_height)", ["continue;"]),
      ...forLoop("s", "kernel_width", [
        "let from_left = column + padding_x - i32(s);",
        "let place = from_left / stride_x;",
        ...ifThen("from_left < 0 || from_left % stride_x != 0 || place >= i32(out_width)", ["continue;"]),
        ...forLoop(
          "o",
          "first_output + outputs_each",
          [
            "let grad_plane = plane / channels * outputs + o;",
            "let kernel = (o * inputs + channel % inputs) * kernel_height + r;",
            `sum += ${tensors.grad.at("(grad_plane * out_height + u32(row)) * out_width + u32(place)")} * ${tensors.weight.at("kernel * kernel_width + s")};`,
          ],
          { start: "first_output" },
        ),
      ]),
    ]),
    tensors.out.put("i", "sum"),
  ];
  const doc = ["The gradient of a convolution's picture. An element an invocation."];
  return [builder.finish({ name: "conv2d_x_grad", doc, body, workgroup: [LIST_SIZE], groups: each.groups })];
};

const LANES = 256;

/** An element of the weight meets every place of the result. An element a workgroup. */
const conv2d_weight_grad: WgslKernel<"conv2d_weight_grad"> = (
  { operands: { grad, x }, attrs, results },
  context,
) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ grad, x }, { out });
  const each = eachRow(builder, out.type.shape);
  windowSizes(builder, x, grad, attrs);
  const sizes = ["outputs", "inputs", "kernel_height", "kernel_width"] as const;
  sizes.forEach((name, axis) => builder.size(name, out.type.shape[axis]!));
  builder.constant("conv_groups", attrs.groups);
  builder.size("batch", grad.type.shape[0]!);
  const sum = declareFold(builder, "sum", LANES);
  const body: Code[] = [
    ...each.lines,
    "let s = row % kernel_width;",
    "let r = row / kernel_width % kernel_height;",
    "let input = row / kernel_width / kernel_height % inputs;",
    "let output = row / kernel_width / kernel_height / inputs;",
    "let channels = inputs * conv_groups;",
    "let channel = output / (outputs / conv_groups) * inputs + input;",
    "var own_sum = 0.0;",
    ...forLoop(
      "i",
      "batch * out_height * out_width",
      [
        "let item = i / out_width / out_height;",
        "let y = i32(i / out_width % out_height) * stride_y - padding_y + i32(r);",
        "let column = i32(i % out_width) * stride_x - padding_x + i32(s);",
        ...ifThen("y < 0 || y >= i32(height) || column < 0 || column >= i32(width)", ["continue;"]),
        `let g = ${tensors.grad.at("(item * outputs + output) * out_height * out_width + i % (out_height * out_width)")};`,
        `own_sum += g * ${tensors.x.at("((item * channels + channel) * height + u32(y)) * width + u32(column)")};`,
      ],
      { start: "lane", step: `${LANES}u` },
    ),
    `let total = ${sum("own_sum")};`,
    ...ifThen("lane == 0u", [tensors.out.put("row", "total")]),
  ];
  const doc = ["The gradient of a convolution's weight. An element a workgroup."];
  return [builder.finish({ name: "conv2d_weight_grad", doc, body, workgroup: [LANES], groups: each.groups })];
};

/** An element of the picture asks each of its windows whether it is the largest there. An element an invocation. */
const max_pool2d_grad: WgslKernel<"max_pool2d_grad"> = (
  { operands: { grad, x }, attrs, results },
  context,
) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ grad, x }, { out });
  const each = eachElement(builder, out.type.shape);
  windowSizes(builder, x, grad, attrs);
  builder.constant("kernel_height", attrs.kernel[0]!, "i32");
  builder.constant("kernel_width", attrs.kernel[1]!, "i32");
  const grads = tensors.grad.at("(plane * out_height + u32(row)) * out_width + u32(place)");
  const body: Code[] = [
    ...each.lines,
    "let column = i32(i % width);",
    "let y = i32(i / width % height);",
    "let plane = i / width / height;",
    ...windowsOf("y", "y", "kernel_height", "out_height"),
    ...windowsOf("column", "x", "kernel_width", "out_width"),
    "var sum = 0.0;",
    ...overArea(
      { index: "row", from: "first_y", end: "last_y + 1" },
      { index: "place", from: "first_x", end: "last_x + 1" },
      [...largestOfWindow(tensors.x), ...ifThen("largest == i32(i)", [`sum += ${grads};`])],
    ),
    tensors.out.put("i", "sum"),
  ];
  const doc = ["The gradient goes to the largest element of each window. An element an invocation."];
  return [
    builder.finish({ name: "max_pool2d_grad", doc, body, workgroup: [LIST_SIZE], groups: each.groups }),
  ];
};

/** The windows along one axis that hold a place: from the first that ends behind it to the last that begins before. */
const windowsOf = (place: string, letter: string, kernel: string, count: string): Code[] => [
  `let first_${letter} = max(${place} + padding_${letter} - ${kernel} + stride_${letter}, 0) / stride_${letter};`,
  `let last_${letter} = min((${place} + padding_${letter}) / stride_${letter}, i32(${count}) - 1);`,
];

/** `largest`: where the largest element of the window at `row` and `place` stands. */
const largestOfWindow = (x: Tensor): Code[] => [
  "let top = row * stride_y - padding_y;",
  "let left = place * stride_x - padding_x;",
  "// Of equal elements the first is the largest.",
  "var largest = -1;",
  ...overArea(
    { index: "v", from: "max(top, 0)", end: "min(top + kernel_height, i32(height))" },
    { index: "u", from: "max(left, 0)", end: "min(left + kernel_width, i32(width))" },
    [
      "let at = (i32(plane * height) + v) * i32(width) + u;",
      ...ifThen(`largest < 0 || ${x.at("u32(at)")} > ${x.at("u32(largest)")}`, ["largest = at;"]),
    ],
  ),
];

interface Range {
  readonly index: string;
  readonly from: string;
  readonly end: string;
}

/** Each place of some rows and columns, which may lie before 0: whole numbers with a sign. */
const overArea = (rows: Range, columns: Range, body: readonly Code[]): Code[] =>
  forLoop(
    rows.index,
    rows.end,
    forLoop(columns.index, columns.end, body, { start: columns.from, step: "1" }),
    {
      start: rows.from,
      step: "1",
    },
  );

export const gradientSpatialKernels = { conv2d_weight_grad, conv2d_x_grad, max_pool2d_grad };
