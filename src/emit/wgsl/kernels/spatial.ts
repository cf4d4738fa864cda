import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";

interface Window {
  readonly stride: readonly number[];
  readonly padding: readonly number[];
}

/** Sizes of picture and result as constants, and the lines that say where element i of the result stands. */
function placeOfWindow(builder: KernelBuilder, x: View, out: View, { stride, padding }: Window): Code[] {
  builder.size("height", x.type.shape[2]!);
  builder.size("width", x.type.shape[3]!);
  const [rows, columns] = [
    builder.size("out_height", out.type.shape[2]!),
    builder.size("out_width", out.type.shape[3]!),
  ];
  for (const [axis, letter] of ["y", "x"].entries()) {
    builder.constant(`stride_${letter}`, stride[axis]!, "i32");
    builder.constant(`padding_${letter}`, padding[axis]!, "i32");
  }
  return [
    `let plane = i / (${rows} * ${columns});`,
    `let top = i32(i / ${columns} % ${rows}) * stride_y - padding_y;`,
    `let left = i32(i % ${columns}) * stride_x - padding_x;`,
  ];
}

/** Loops over the places of a window that are inside the picture; `visit` reads row `y` and `column`. */
const overWindow = (visit: readonly string[]): Code[] =>
  forLoop("r", "kernel_height", [
    "let y = top + i32(r);",
    ...ifThen("y < 0 || y >= i32(height)", ["continue;"]),
    ...forLoop("s", "kernel_width", [
      "let column = left + i32(s);",
      ...ifThen("column < 0 || column >= i32(width)", ["continue;"]),
      ...visit,
    ]),
  ]);

const conv2d: WgslKernel<"conv2d"> = ({ operands: { x, weight, bias }, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x, weight, bias }, { out });
  const each = eachElement(builder, out.type.shape);
  const place = placeOfWindow(builder, x, out, attrs);
  const sizes = ["outputs", "inputs", "kernel_height", "kernel_width"] as const;
  sizes.forEach((name, axis) => builder.size(name, weight.type.shape[axis]!));
  builder.size("channels", x.type.shape[1]!);
  builder.constant("conv_groups", attrs.groups);
  const element = tensors.x.at("(picture + u32(y)) * width + u32(column)");
  const factor = tensors.weight.at("(kernel + r) * kernel_width + s");
  const body = [
    ...each.lines,
    ...place,
    "let output = plane % outputs;",
    "let first_input = plane / outputs * channels + output / (outputs / conv_groups) * inputs;",
    `var sum = ${tensors.bias?.at("output") ?? "0.0"};`,
    ...forLoop("c", "inputs", [
      "let picture = (first_input + c) * height;",
      "let kernel = (output * inputs + c) * kernel_height;",
      ...overWindow([`sum += ${element} * ${factor};`]),
    ]),
    tensors.out.put("i", "sum"),
  ];
  const name = bias === undefined ? "conv2d" : "conv2d_bias";
  const doc = "Cross-correlation with zeros around the picture. An element an invocation.";
  return [builder.finish({ name, doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups })];
};

const max_pool2d: WgslKernel<"max_pool2d"> = ({ operands: { x }, attrs, results }, context) => {
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors({ x }, { out });
  const each = eachElement(builder, out.type.shape);
  const place = placeOfWindow(builder, x, out, attrs);
  builder.constant("kernel_height", attrs.kernel[0]!);
  builder.constant("kernel_width", attrs.kernel[1]!);
  builder.helper("from_bits", "larger");
  const element = tensors.x.at("(plane * height + u32(y)) * width + u32(column)");
  const body = [
    ...each.lines,
    ...place,
    `var largest = ${floatText(-Infinity)};`,
    ...overWindow([`largest = larger(largest, ${element});`]),
    tensors.out.put("i", "largest"),
  ];
  const doc = "The largest element of each window. An element an invocation.";
  return [
    builder.finish({ name: "max_pool2d", doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups }),
  ];
};

export const spatialKernels = { conv2d, max_pool2d };
