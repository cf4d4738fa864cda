import { rowNormFormula, rowNormName, type RowNorm } from "../../../kernels/norms.ts";
import type { View } from "../../../kernels/view.ts";
import { dim } from "../../../tensor/dim.ts";
import { CallBuilder, type Call, type Naming } from "../call.ts";
import { forLoop, numberText, sumText } from "../../module/text.ts";
import { walk, walkedRows, walkedTensor } from "../walk.ts";
import type { TsKernel } from "./kernel.ts";
import { onlyView } from "../../../kernels/results.ts";
import { affineText, normText } from "./row-norm.ts";

/** A norm of each row; the row is read once for each statistic and once to be written, from the cache. */
function rowNorm(x: View, out: View, norm: RowNorm, naming: Naming): Call {
  const call = new CallBuilder(naming);
  call.size("width", x.type.shape.at(-1)!);
  const walkedX = walkedRows(call, "x", x);
  const weight = norm.weight && `weight[${sumText(call.tensor("weight", norm.weight), "i")}]`;
  const bias = norm.bias && `bias[${sumText(call.tensor("bias", norm.bias), "i")}]`;
  const walkedOut = walkedRows(call, "out", out);
  const { lines, normalized } = normText(norm.kind, norm.eps, "x[xRow + i]");
  const affine = { weight, bias, unitOffset: norm.unitOffset ?? false };
  const element = affineText(call, normalized("x[xRow + i]"), affine, x.type.dtype, norm.cast ?? "after");
  const { loops } = walk(call, x.type.shape.slice(0, -1), [walkedX, walkedOut], "row");
  const body = loops(([xRow, outRow]) => [
    `const xRow = ${xRow!};`,
    `const outRow = ${outRow!};`,
    ...lines,
    ...forLoop("i", "width", [`out[outRow + i] = ${element};`]),
  ]);
  return call.finish(
    rowNormName(norm),
    [`${rowNormFormula(norm)} for each row, e = ${numberText(norm.eps)}.`],
    body,
  );
}

const layer_norm: TsKernel<"layer_norm"> = ({ operands, attrs: { eps }, results }, naming) =>
  rowNorm(operands.x, onlyView(results), { kind: "layer", eps, ...operands }, naming);

const rms_norm: TsKernel<"rms_norm"> = ({ operands, attrs, results }, naming) => {
  const { eps, cast, unit_offset: unitOffset } = attrs;
  return rowNorm(operands.x, onlyView(results), { kind: "rms", eps, cast, unitOffset, ...operands }, naming);
};

const l2_norm: TsKernel<"l2_norm"> = ({ operands, attrs: { eps }, results }, naming) =>
  rowNorm(operands.x, onlyView(results), { kind: "l2", eps }, naming);

/** Element by element: a channel's statistics and affine part are vectors that stand still along the other axes. */
const batch_norm: TsKernel<"batch_norm"> = ({ operands, attrs: { eps, axis }, results }, naming) => {
  const { x, ...vectors } = operands;
  const out = onlyView(results);
  const call = new CallBuilder(naming);
  const walkedX = walkedTensor(call, "x", x);
  const given = Object.entries(vectors).flatMap(([name, view]) =>
    view === undefined ? [] : [{ name, view }],
  );
  const alongAxis = x.type.shape.map((_, at) => dim(at === axis ? 1 : 0));
  const channels = given.map(({ name, view }) => ({ ...walkedTensor(call, name, view), strides: alongAxis }));
  const walkedOut = walkedTensor(call, "out", out);
  const { loops } = walk(call, x.type.shape, [walkedX, walkedOut, ...channels]);
  const body = loops(([xAt, outAt, ...at]) => {
    const element = (name: string): string | undefined => {
      const index = given.findIndex((vector) => vector.name === name);
      return index < 0 ? undefined : `${name}[${at[index]!}]`;
    };
    const scale = `Math.sqrt(${element("variance")!} + ${numberText(eps)})`;
    const normalized = `(x[${xAt!}] - ${element("mean")!}) / ${scale}`;
    const affine = { weight: element("weight"), bias: element("bias"), unitOffset: false };
    return [`out[${outAt!}] = ${affineText(call, normalized, affine, "f32", "after")};`];
  });
  const name = ["batch_norm", ...given.slice(2).map((vector) => vector.name)].join("_");
  return call.finish(name, ["(x - mean) / √(variance + e) with the statistics of each channel."], body);
};

export const normKernels = { batch_norm, l2_norm, layer_norm, rms_norm };
