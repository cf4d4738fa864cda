import type { View } from "../../../plan/view.ts";
import type { Code } from "../../../support/text.ts";
import { dim, multiplyDims, productOfDims } from "../../../tensor/dim.ts";
import { onlyView } from "../../ts/kernels/result.ts";
import { KernelBuilder, type Tensor } from "../builder.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { floatText, forLoop, ifThen } from "../text.ts";
import { eachElement, eachRow, LIST_SIZE, places } from "../walk.ts";
import { declareFold, heldBy, lanesFor, overRow } from "./row.ts";
import { normText } from "./row-norm.ts";

type NormGrad = StepOf<"norm_grad">;

/** What the first stage leaves of each row, under the names that `normText` gives them. */
const leftOf = (norm: NormGrad["attrs"]["norm"]): readonly string[] =>
  norm === "layer" ? ["mean", "drift", "scale"] : ["scale"];

/**
 * By rows: the gradient of x, and for a weight the statistics of each row. Then, if there are vectors, by columns: their
 * gradients, summed over the rows.
 */
export const norm_grad: WgslKernel<"norm_grad"> = (step, context) => {
  const hasVectors = step.results.length > 1;
  return [
    normRows(step, step.operands.weight !== undefined, context),
    ...(hasVectors ? [normColumns(step, context)] : []),
  ];
};

function normRows({ operands, attrs, results }: NormGrad, leaves: boolean, context: Context): Dispatch {
  const { grad, x, weight, carried } = operands;
  const { norm, eps, unit_offset: unitOffset } = attrs;
  const builder = new KernelBuilder(context);
  const out = results[0]!;
  const width = x.type.shape.at(-1)!;
  const leading = x.type.shape.slice(0, -1);
  const names = leftOf(norm);
  const left = leaves ? builder.scratch(multiplyDims(productOfDims(leading), dim(names.length))) : undefined;
  const tensors = builder.tensors({ grad, x, weight, carried }, { out });
  const lanes = lanesFor(width);
  const each = eachRow(builder, leading);
  const moving = { grad, x, out, ...(carried && { carried }) };
  const rows = places(
    builder,
    "row",
    leading,
    Object.entries(moving).map(([name, view]) => ({ name, strides: view.strides.slice(0, -1) })),
  );
  builder.size("width", width);
  const held = heldBy(lanes, width);
  const place = `i / ${lanes}u`;
  const [loadX, loadGrad] = [tensors.x.at("x_row + i"), tensors.grad.at("grad_row + i")];
  const [element, gradient] =
    held === undefined ? [loadX, loadGrad] : [`held_x[${place}]`, `held_grad[${place}]`];
  const { lines, normalized } = normText({
    kind: norm,
    eps,
    builder,
    lanes,
    element: { lines: [], text: element },
  });
  const factor =
    tensors.weight && (unitOffset ? `(1.0 + ${tensors.weight.at("i")})` : tensors.weight.at("i"));
  const scaled = factor === undefined ? gradient : `${gradient} * ${factor}`;
  const sums = declareFold(builder, "sums", lanes);
  const turn = norm === "l2" ? `select(0.0, sums.y, scale < ${floatText(1 / eps)})` : "sums.y / f32(width)";
  const shift = norm === "layer" ? " - shift" : "";
  const body: Code[] = [
    ...each.lines,
    ...rows.lines,
    ...Object.keys(moving).map((name, index) => `let ${name}_row = ${rows.at[index]!};`),
    ...(held === undefined
      ? []
      : [
          `var held_x: array<f32, ${held}>;`,
          `var held_grad: array<f32, ${held}>;`,
          ...overRow(lanes, "width", [`held_x[${place}] = ${loadX};`, `held_grad[${place}] = ${loadGrad};`]),
        ]),
    ...lines,
    "var own_sums = vec2f();",
    ...overRow(lanes, "width", [`let h = ${scaled};`, `own_sums += vec2f(h, h * (${normalized(element)}));`]),
    `let sums = ${sums("own_sums")};`,
    ...(norm === "layer" ? ["let shift = sums.x / f32(width);"] : []),
    `let turn = ${turn};`,
    ...overRow(lanes, "width", [
      `let normed = ${normalized(element)};`,
      tensors.out.put(
        "out_row + i",
        `scale * (${scaled}${shift} - normed * turn)${tensors.carried ? ` + ${tensors.carried.at("carried_row + i")}` : ""}`,
      ),
    ]),
    ...(left === undefined
      ? []
      : ifThen(
          "lane == 0u",
          names.map((name, index) => left.put(`row * ${names.length}u + ${index}u`, name)),
        )),
  ];
  const words = [
    ...(weight === undefined ? [] : [unitOffset ? "unit_weight" : "weight"]),
    ...(carried === undefined ? [] : ["carried"]),
  ];
  const more = carried === undefined ? "" : ", plus what its input carries on";
  return builder.finish({
    stage: 0,
    name: [`${norm}_norm_grad`, ...words].join("_"),
    doc: [`The gradient of a ${norm} norm of each row${more}. A row a workgroup.`],
    body,
    workgroup: [lanes],
    groups: each.groups,
  });
}

/** Columns of a workgroup, and the invocations that share the rows of each. */
const COLUMNS = 32;
const SHARES = 8;

function normColumns({ operands, attrs, results }: NormGrad, context: Context): Dispatch {
  const { grad, x, weight } = operands;
  const builder = new KernelBuilder(context);
  const leading = x.type.shape.slice(0, -1);
  const names = leftOf(attrs.norm);
  const [ofWeight, ofBias] = [
    weight === undefined ? undefined : results[1]!,
    attrs.bias ? results.at(-1)! : undefined,
  ];
  const left = ofWeight && builder.scratch(multiplyDims(productOfDims(leading), dim(names.length)));
  const tensors = builder.tensors({ grad, x: ofWeight && x }, { of_weight: ofWeight, of_bias: ofBias });
  const walked = { grad, ...(ofWeight && { x }) };
  const rows = places(
    builder,
    "row",
    leading,
    Object.entries(walked).map(([name, view]) => ({ name, strides: view.strides.slice(0, -1) })),
  );
  const count = builder.size("rows", productOfDims(leading));
  const width = builder.size("width", x.type.shape.at(-1)!);
  builder.builtin("group", "lane");
  builder.shared("partials", "vec2f", COLUMNS * SHARES);
  const normed = attrs.norm === "layer" ? "(element - mean - drift) * scale" : "element * scale";
  const put = (tensor: Tensor | undefined, value: string): string[] =>
    tensor === undefined ? [] : [tensor.put("column", value)];
  const body: Code[] = [
    `let column = group.x * ${COLUMNS}u + lane % ${COLUMNS}u;`,
    `let share = lane / ${COLUMNS}u;`,
    "var sums = vec2f();",
    ...ifThen(
      `column < ${width}`,
      forLoop(
        "row",
        count,
        [
          ...rows.lines,
          `let g = ${tensors.grad.at(`${rows.at[0]!} + column`)};`,
          ...(tensors.x === undefined || left === undefined
            ? ["sums.y += g;"]
            : [
                `let element = ${tensors.x.at(`${rows.at[1]!} + column`)};`,
                ...names.map(
                  (name, index) => `let ${name} = ${left.at(`row * ${names.length}u + ${index}u`)};`,
                ),
                `sums += vec2f(g * (${normed}), g);`,
              ]),
        ],
        { start: "share", step: `${SHARES}u` },
      ),
    ),
    "partials[lane] = sums;",
    "workgroupBarrier();",
    ...ifThen(`share > 0u || column >= ${width}`, ["return;"]),
    "var total = vec2f();",
    ...forLoop("other", `${SHARES}u`, [`total += partials[other * ${COLUMNS}u + lane];`]),
    ...put(tensors.of_weight, "total.x"),
    ...put(tensors.of_bias, "total.y"),
  ];
  const words = [...(ofWeight ? ["weight"] : []), ...(ofBias ? ["bias"] : [])];
  return builder.finish({
    stage: 1,
    name: [`${attrs.norm}_norm_grad_of`, ...words].join("_"),
    doc: [`The gradients of a ${attrs.norm} norm's ${words.join(" and ")}. ${COLUMNS} columns a workgroup.`],
    body,
    workgroup: [COLUMNS * SHARES],
    groups: { kind: "grid", axes: [{ count: x.type.shape.at(-1)!, per: COLUMNS }] },
  });
}

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
export const batch_statistics: WgslKernel<"batch_statistics"> = ({ operands, attrs, results }, context) => {
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
export const batch_norm_grad: WgslKernel<"batch_norm_grad"> = ({ operands, attrs, results }, context) => {
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

export const batch_statistics_grad: WgslKernel<"batch_statistics_grad"> = (
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
