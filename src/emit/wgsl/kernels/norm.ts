import { rowNormFormula, rowNormName, type RowNorm } from "../../../kernels/norms.ts";
import type { View } from "../../../kernels/view.ts";
import { dim } from "../../../tensor/dim.ts";
import { floatText } from "../text.ts";
import { onlyView } from "../../../kernels/results.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch, WgslKernel } from "../kernel.ts";
import { eachElement, eachRowOf, LIST_SIZE, places } from "../walk.ts";
import { holdRow, lanesFor, overRow } from "./row.ts";
import { affineText, normText } from "./row-norm.ts";

/** A workgroup a row. A row that fits into the registers of its invocations is read once. */
function rowNorm(x: View, out: View, norm: RowNorm, context: Context): Dispatch {
  const builder = new KernelBuilder(context);
  const { weight, bias } = norm;
  const tensors = builder.tensors({ x, weight, bias }, { out });
  const width = x.type.shape.at(-1)!;
  const lanes = lanesFor(width);
  const rows = eachRowOf(builder, x.type.shape.slice(0, -1), { x, out });
  builder.size("width", width);
  const {
    lines: hold,
    elements: { held: text },
  } = holdRow(lanes, width, { held: tensors.x.at("x_row + i") });
  const { lines, normalized } = normText({ ...norm, builder, lanes, element: { lines: [], text } });
  const affine = {
    weight: tensors.weight?.at("i"),
    bias: tensors.bias?.at("i"),
    unitOffset: norm.unitOffset ?? false,
  };
  const element = affineText(builder, normalized(text), affine, x.type.dtype, norm.cast ?? "after");
  const body = [
    ...rows.lines,
    ...hold,
    ...lines,
    ...overRow(lanes, "width", [tensors.out.put("out_row + i", element)]),
  ];
  return builder.finish({
    name: rowNormName(norm),
    doc: [`${rowNormFormula(norm)}, e = ${norm.eps}. A row a workgroup.`],
    body,
    workgroup: [lanes],
    groups: rows.groups,
  });
}

const layer_norm: WgslKernel<"layer_norm"> = ({ operands, attrs: { eps }, results }, context) => [
  rowNorm(operands.x, onlyView(results), { kind: "layer", eps, ...operands }, context),
];

const rms_norm: WgslKernel<"rms_norm"> = ({ operands, attrs, results }, context) => {
  const { eps, cast, unit_offset: unitOffset } = attrs;
  return [
    rowNorm(operands.x, onlyView(results), { kind: "rms", eps, cast, unitOffset, ...operands }, context),
  ];
};

const l2_norm: WgslKernel<"l2_norm"> = ({ operands, attrs: { eps }, results }, context) => [
  rowNorm(operands.x, onlyView(results), { kind: "l2", eps }, context),
];

/** Element by element: a channel's statistics and affine part are vectors that stand still along the other axes. */
const batch_norm: WgslKernel<"batch_norm"> = ({ operands, attrs: { eps, axis }, results }, context) => {
  const { x, mean, variance, weight, bias } = operands;
  const out = onlyView(results);
  const builder = new KernelBuilder(context);
  const vectors: Record<string, View> = { mean, variance, ...(weight && { weight }), ...(bias && { bias }) };
  const tensors = builder.tensors({ x, ...vectors }, { out });
  const each = eachElement(builder, x.type.shape);
  const alongAxis = x.type.shape.map((_, at) => dim(at === axis ? 1 : 0));
  const { lines, at } = places(builder, "i", x.type.shape, [
    { name: "x", strides: x.strides },
    { name: "out", strides: out.strides },
    { name: "channel", strides: alongAxis },
  ]);
  const element = (name: string, view: View | undefined): string | undefined =>
    view && tensors[name as "x"].at("channel");
  const scale = `sqrt(${element("variance", variance)!} + ${floatText(eps)})`;
  const normalized = `(${tensors.x.at(at[0]!)} - ${element("mean", mean)!}) / ${scale}`;
  const affine = { weight: element("weight", weight), bias: element("bias", bias), unitOffset: false };
  const value = affineText(builder, normalized, affine, "f32", "after");
  const body = [...each.lines, ...lines, `let channel = ${at[2]!};`, tensors.out.put(at[1]!, value)];
  const name = ["batch_norm", ...(weight ? ["weight"] : []), ...(bias ? ["bias"] : [])].join("_");
  const doc = "(x - mean) / √(variance + e) with the statistics of each channel.";
  return [builder.finish({ name, doc: [doc], body, workgroup: [LIST_SIZE], groups: each.groups })];
};

export const normKernels = { batch_norm, l2_norm, layer_norm, rms_norm };
