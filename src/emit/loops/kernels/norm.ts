import { rowNormFormula, rowNormName, type RowNorm } from "../../../kernels/norms.ts";
import { onlyView } from "../../../kernels/results.ts";
import type { View } from "../../../kernels/view.ts";
import { dim } from "../../../tensor/dim.ts";
import { numberText } from "../../module/text.ts";
import { KernelBuilder } from "../builder.ts";
import { minus, over, plus, root, times } from "../formula.ts";
import type { LoopKernel } from "../tree.ts";
import type { Place } from "../place.ts";
import { eachElement, eachRow } from "../walk.ts";
import type { Loops } from "./kernel.ts";
import { affine, statistics } from "./row-norm.ts";

/** A norm of each row; the row is read once for each statistic and once to be written, from the cache. */
function rowNorm(view: View, result: View, norm: RowNorm): LoopKernel {
  const k = new KernelBuilder();
  const { kind, eps, unitOffset = false, cast = "after" } = norm;
  const width = k.size("width", view.type.shape.at(-1)!);
  const x = k.tensor("x", view);
  const [weight, bias] = [k.maybe("weight", norm.weight), k.maybe("bias", norm.bias)];
  const out = k.tensor("out", result);
  eachRow(k, view.type.shape.slice(0, -1), { x, out }, ({ x, out }) => {
    const { normalized } = statistics(k, { kind, eps, width }, (i) => x.at(i));
    k.lanes("i", width, (i) => {
      const element = affine(normalized(x.at(i)), { weight, bias, unitOffset }, i, view.type.dtype, cast);
      k.store(out.at(i), element);
    });
  });
  return k.finish(rowNormName(norm), `${rowNormFormula(norm)} for each row, e = ${numberText(eps)}.`);
}

const layer_norm: Loops<"layer_norm"> = ({ operands, attrs: { eps }, results }) =>
  rowNorm(operands.x, onlyView(results), { kind: "layer", eps, ...operands });

const rms_norm: Loops<"rms_norm"> = ({ operands, attrs, results }) => {
  const { eps, cast, unit_offset: unitOffset } = attrs;
  return rowNorm(operands.x, onlyView(results), { kind: "rms", eps, cast, unitOffset, ...operands });
};

const l2_norm: Loops<"l2_norm"> = ({ operands, attrs: { eps }, results }) =>
  rowNorm(operands.x, onlyView(results), { kind: "l2", eps });

/** Element by element: a channel's statistics and affine part are vectors that stand still along the other axes. */
const batch_norm: Loops<"batch_norm"> = ({ operands, attrs: { eps, axis }, results }) => {
  const k = new KernelBuilder();
  const alongAxis = operands.x.type.shape.map((_, at) => dim(at === axis ? 1 : 0));
  const vector = (name: string, view: View): Place => k.tensor(name, view).along(alongAxis);
  const places = {
    x: k.tensor("x", operands.x),
    mean: vector("mean", operands.mean),
    variance: vector("variance", operands.variance),
    ...(operands.weight && { weight: vector("weight", operands.weight) }),
    ...(operands.bias && { bias: vector("bias", operands.bias) }),
    out: k.tensor("out", onlyView(results)),
  };
  eachElement(k, operands.x.type.shape, places, ({ x, mean, variance, weight, bias, out }) => {
    const normalized = over(minus(x, mean), root(plus(variance, eps)));
    const scaled = weight === undefined ? normalized : times(normalized, weight);
    k.store(out, bias === undefined ? scaled : plus(scaled, bias));
  });
  const words = [operands.weight && "weight", operands.bias && "bias"].filter((word) => word !== undefined);
  const doc = "(x - mean) / √(variance + e) with the statistics of each channel.";
  return k.finish(["batch_norm", ...words].join("_"), doc);
};

export const normLoops = { batch_norm, l2_norm, layer_norm, rms_norm };
