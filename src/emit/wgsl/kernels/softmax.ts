import type { StepOf } from "../../../plan/plan.ts";
import type { View } from "../../../kernels/view.ts";
import type { Code } from "../../../support/text.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { forLoop } from "../text.ts";
import { eachElement, eachRowOf, LIST_SIZE, places } from "../walk.ts";
import { declareFold, heldBy, lanesFor, overRow } from "./row.ts";

/** The other axes of an operand and the one that a kernel goes along. */
function lineOf(x: View, axis: number) {
  const at = axis < 0 ? axis + x.type.shape.length : axis;
  const others = <T>(all: readonly T[]): T[] => all.filter((_, index) => index !== at);
  return {
    shape: others(x.type.shape),
    strides: (view: View) => others(view.strides),
    at,
    size: x.type.shape[at]!,
  };
}

type Softmax = StepOf<"softmax"> | StepOf<"log_softmax">;

/** A workgroup a line along the axis; a line that fits into registers is read once. */
function softmaxOf(name: "softmax" | "log_softmax", doc: string, step: Softmax, context: Context): Dispatch {
  const { x } = step.operands;
  const out = onlyView(step.results);
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ x }, { out });
  const line = lineOf(x, step.attrs.axis);
  const lanes = lanesFor(line.size);
  const rows = eachRowOf(builder, line.shape, { x, out }, line.strides);
  builder.size("width", line.size);
  const [sum, max] = [declareFold(builder, "sum", lanes), declareFold(builder, "max", lanes)];
  builder.helper("safe_exp", ...(name === "softmax" ? [] : (["safe_log"] as const)));
  const held = heldBy(lanes, line.size);
  const load = tensors.x.at(`x_row + ${builder.stride("i", "x_step", x.strides[line.at]!) || "0u"}`);
  const element = held === undefined ? load : `held[i / ${lanes}u]`;
  const value =
    name === "softmax" ? `exp(${element} - largest) / total` : `${element} - largest - safe_log(total)`;
  const place = `out_row + ${builder.stride("i", "out_step", out.strides[line.at]!) || "0u"}`;
  const body: Code[] = [
    ...rows.lines,
    ...(held === undefined ? [] : [`var held: array<f32, ${held}>;`]),
    "var own_largest = -3.4e38;",
    ...overRow(lanes, "width", [
      ...(held === undefined ? [] : [`${element} = ${load};`]),
      `own_largest = max(own_largest, ${element});`,
    ]),
    `let largest = ${max("own_largest")};`,
    "var own_total = 0.0;",
    ...overRow(lanes, "width", [`own_total += safe_exp(${element} - largest);`]),
    `let total = ${sum("own_total")};`,
    ...overRow(lanes, "width", [tensors.out.put(place, value)]),
  ];
  return builder.finish({ name, doc: [doc], body, workgroup: [lanes], groups: rows.groups });
}

const softmax: WgslKernel<"softmax"> = (step, context) => [
  softmaxOf("softmax", "e^x / Σ e^x along an axis. A line a workgroup.", step, context),
];

const log_softmax: WgslKernel<"log_softmax"> = (step, context) => [
  softmaxOf("log_softmax", "x - log Σ e^x along an axis. A line a workgroup.", step, context),
];

/** An invocation a line. */
const cumsum: WgslKernel<"cumsum"> = ({ operands: { x }, attrs: { axis }, results }, context) => {
  const out = onlyView(results);
  const builder = new KernelBuilder(context);
  const tensors = builder.tensors({ x }, { out });
  const line = lineOf(x, axis);
  const each = eachElement(builder, line.shape);
  const lines = places(builder, "i", line.shape, [
    { name: "x", strides: line.strides(x) },
    { name: "out", strides: line.strides(out) },
  ]);
  const at = (name: string, view: View): string =>
    `${name}_at + ${builder.stride("c", `${name}_step`, view.strides[line.at]!) || "0u"}`;
  const body = [
    ...each.lines,
    ...lines.lines,
    `let x_at = ${lines.at[0]!};`,
    `let out_at = ${lines.at[1]!};`,
    `var sum = ${isFloat(x.type.dtype) ? "0.0" : "0"};`,
    ...forLoop("c", builder.size("length", line.size), [
      `sum += ${tensors.x.at(at("x", x))};`,
      tensors.out.put(at("out", out), "sum"),
    ]),
  ];
  const doc = "Running sums along an axis. A line an invocation.";
  return [builder.finish({ name: "cumsum", doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups })];
};

export const softmaxKernels = { cumsum, log_softmax, softmax };
