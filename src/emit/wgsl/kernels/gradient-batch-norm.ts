import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { dim, productOfDims } from "../../../tensor/dim.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Tensor } from "../given.ts";
import type { WgslKernel } from "../kernel.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachElement, eachRow, LIST_SIZE, places } from "../walk.ts";
import { declareFold } from "./row.ts";

const LANES = 256;

/** A workgroup a channel of a dense tensor: the loop over the channel's elements, at index `at`. */
function channels(builder: KernelBuilder, x: View, axis: number) {
  const each = eachRow(builder, [x.type.shape[axis]!]);
  const outer = builder.size("outer", productOfDims(x.type.shape.slice(0, axis)));
  const inner = builder.size("inner", productOfDims(x.type.shape.slice(axis + 1)));
  const over = (body: readonly Code[]): Code[] =>
    forLoop("i", "elements", [`let at = (i / ${inner} * rows + row) * ${inner} + i % ${inner};`, ...body], {
      start: "lane",
      step: `${LANES}u`,
    });
  const lines = [...each.lines, `let elements = ${outer} * ${inner};`];
  return { lines, over, groups: each.groups };
}

/** The mean first, then the variance about it; what the mean is off by is found along with that, as for rows. */
const batch_statistics: WgslKernel<"batch_statistics"> = ({ operands, attrs, results }, context) => {
  const { x, running_mean, running_variance } = operands;
  const builder = new KernelBuilder(context);
  const [mean, variance, next_mean, next_variance] = results as readonly [View, View, View, View];
  const tensors = builder.tensors(
    { x, running_mean, running_variance },
    { mean, variance, next_mean, next_variance },
  );
  const { lines, over, groups } = channels(builder, x, attrs.axis);
  const [sum, sums] = [declareFold(builder, "sum", LANES), declareFold(builder, "sums", LANES)];
  const momentum = floatText(attrs.momentum);
  const moved = (running: Tensor, next: string): string =>
    `${floatText(1 - attrs.momentum)} * ${running.at("row")} + ${momentum} * ${next}`;
  const body = [
    ...lines,
    "var own_total = 0.0;",
    ...over([`own_total += ${tensors.x.at("at")};`]),
    `let middle = ${sum("own_total")} / f32(elements);`,
    "var own_deviations = vec2f();",
    ...over([`let d = ${tensors.x.at("at")} - middle;`, "own_deviations += vec2f(d, d * d);"]),
    `let deviations = ${sums("own_deviations")} / f32(elements);`,
    ...ifThen("lane == 0u", [
      "let centre = middle + deviations.x;",
      "let spread = max(deviations.y - deviations.x * deviations.x, 0.0);",
      `let moved_mean = ${moved(tensors.running_mean, "centre")};`,
      attrs.unbiased
        ? "let target_spread = spread * f32(elements) / f32(max(elements, 2u) - 1u);"
        : "let target_spread = spread;",
      `let moved_variance = ${moved(tensors.running_variance, "target_spread")};`,
      tensors.mean.put("row", "centre"),
      tensors.variance.put("row", "spread"),
      tensors.next_mean.put("row", "moved_mean"),
      tensors.next_variance.put("row", "moved_variance"),
    ]),
  ];
  const name = attrs.unbiased ? "batch_statistics" : "batch_statistics_biased";
  const doc = [
    "Mean and variance of each channel; the running ones moved toward them. A channel a workgroup.",
  ];
  return [builder.finish({ name, doc, body, workgroup: [LANES], groups })];
};

/** By channels: grad_x and the gradients of weight and bias; those of mean and variance follow from the two sums. */
const batch_norm_grad: WgslKernel<"batch_norm_grad"> = ({ operands, attrs, results }, context) => {
  const { grad, x, mean, variance, weight } = operands;
  const [out, of_mean, of_variance, of_weight, of_bias] = results as readonly [View, View, View, View, View];
  const scaleOf = (read: Tensor): string => `inverseSqrt(${read.at("row")} + ${floatText(attrs.eps)})`;
  const slopeOf = (read: Tensor | undefined): string =>
    read === undefined ? "scale" : `scale * ${read.at("row")}`;
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ grad, x, mean, variance, weight }, { out, of_weight, of_bias });
  const { lines, over, groups } = channels(builder, x, attrs.axis);
  const sums = declareFold(builder, "sums", LANES);
  const body = [
    ...lines,
    `let centre = ${tensors.mean.at("row")};`,
    `let scale = ${scaleOf(tensors.variance)};`,
    `let slope = ${slopeOf(tensors.weight)};`,
    "var own_sums = vec2f();",
    ...over([
      `let g = ${tensors.grad.at("at")};`,
      `own_sums += vec2f(g, g * (${tensors.x.at("at")} - centre) * scale);`,
      tensors.out.put("at", "g * slope"),
    ]),
    `let sums = ${sums("own_sums")};`,
    ...ifThen("lane == 0u", [tensors.of_bias.put("row", "sums.x"), tensors.of_weight.put("row", "sums.y")]),
  ];
  const first = builder.finish({
    stage: 0,
    name: weight === undefined ? "batch_norm_grad" : "batch_norm_grad_weight",
    doc: ["The gradients of a batch norm's input, weight and bias. A channel a workgroup."],
    body,
    workgroup: [LANES],
    groups,
  });
  const last = new KernelBuilder(context);
  const vectors = last.tensors({ variance, weight, of_weight, of_bias }, { of_mean, of_variance });
  const each = eachElement(last, of_mean.type.shape, "row");
  const second = last.finish({
    stage: 1,
    name: weight === undefined ? "batch_norm_grad_statistics" : "batch_norm_grad_statistics_weight",
    doc: ["The gradients of a batch norm's mean and variance. A channel an invocation."],
    body: [
      ...each.lines,
      `let scale = ${scaleOf(vectors.variance)};`,
      `let slope = ${slopeOf(vectors.weight)};`,
      vectors.of_mean.put("row", `-slope * ${vectors.of_bias.at("row")}`),
      vectors.of_variance.put("row", `-0.5 * slope * scale * ${vectors.of_weight.at("row")}`),
    ],
    workgroup: [LIST_SIZE],
    groups: each.groups,
  });
  return [first, second];
};

const batch_statistics_grad: WgslKernel<"batch_statistics_grad"> = (
  { operands, attrs: { axis }, results },
  context,
) => {
  const { x } = operands;
  const builder = new KernelBuilder(context);
  const out = onlyView(results);
  const tensors = builder.tensors(operands, { out });
  const each = eachElement(builder, x.type.shape);
  const channelAxis = x.type.shape.map((_, at) => dim(at === axis ? 1 : 0));
  const { lines, at } = places(builder, "i", x.type.shape, [
    { name: "x", strides: x.strides },
    { name: "out", strides: out.strides },
    { name: "channel", strides: channelAxis },
  ]);
  const outer = productOfDims(x.type.shape.filter((_, each_) => each_ !== axis));
  const spread = `2.0 * ${tensors.grad_variance.at("channel")} * (${tensors.x.at(at[0]!)} - ${tensors.mean.at("channel")})`;
  const body = [
    ...each.lines,
    ...lines,
    `let channel = ${at[2]!};`,
    tensors.out.put(
      at[1]!,
      `(${tensors.grad_mean.at("channel")} + ${spread}) / f32(${builder.size("elements", outer)})`,
    ),
  ];
  const doc = ["The gradient of each channel's mean and variance. An element an invocation."];
  return [
    builder.finish({
      name: "batch_statistics_grad",
      doc,
      body,
      workgroup: [LIST_SIZE],
      groups: each.groups,
    }),
  ];
};

export const gradientBatchNormKernels = { batch_norm_grad, batch_statistics, batch_statistics_grad };
