import type { NodeOf } from "../../../ir/graph.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { Exporter, OnnxEmitter } from "../exporter.ts";
import { rounded } from "./shape.ts";

type NormOp = "layer_norm" | "rms_norm" | "l2_norm" | "batch_norm";

export const normEmitters = {
  layer_norm: ({ operands: { x, weight, bias }, attrs: { eps } }, exporter) => {
    const { one, name, optional } = exporter;
    const gain = weight === undefined ? exporter.filled(x.type.shape.at(-1)!, 1) : name(weight);
    const normed = one("LayerNormalization", [name(x), gain, optional(bias)], {
      axis: -1,
      epsilon: { float: eps },
    });
    return rounded(exporter, normed, x.type.dtype);
  },
  rms_norm: (node, exporter) => rmsNorm(exporter, node),
  l2_norm: ({ operands: { x }, attrs: { eps } }, exporter) => {
    const { one, name, number } = exporter;
    const length = exporter.reduced("ReduceL2", name(x), [x.type.shape.length - 1]);
    return one("Div", [name(x), one("Max", [length, number(eps)])]);
  },
  batch_norm: (node, exporter) => batchNorm(exporter, node),
} as const satisfies { readonly [K in NormOp]: OnnxEmitter<K> };

function rmsNorm(
  exporter: Exporter,
  { operands: { x, weight, bias }, attrs: { eps, unit_offset, cast } }: NodeOf<"rms_norm">,
): string {
  const { one, name, number } = exporter;
  const width = x.type.shape.at(-1)!;
  const gain =
    weight === undefined
      ? undefined
      : unit_offset
        ? exporter.once(`1 + ${name(weight)}`, () => one("Add", [name(weight), number(1)]))
        : name(weight);
  const isHalf = x.type.dtype === "f16" || x.type.dtype === "bf16";
  const isRoundedFirst = isHalf && cast === "before";
  const inOne = exporter.opset >= 23 && !isRoundedFirst;
  let normed = inOne
    ? one("RMSNormalization", [name(x), gain ?? exporter.filled(width, 1)], {
        axis: -1,
        epsilon: { float: eps },
      })
    : rootMeanSquared(exporter, name(x), x.type.shape.length, eps);
  if (isRoundedFirst) normed = rounded(exporter, normed, x.type.dtype);
  if (!inOne && gain !== undefined) normed = one("Mul", [normed, gain]);
  if (bias !== undefined) normed = one("Add", [normed, name(bias)]);
  return rounded(exporter, normed, x.type.dtype);
}

/** x / √(mean(x²) + eps), in the form that run times know to make one op of. */
function rootMeanSquared(exporter: Exporter, x: string, rank: number, eps: number): string {
  const { one, number } = exporter;
  const mean = exporter.reduced("ReduceMean", one("Pow", [x, number(2)]), [rank - 1]);
  return one("Div", [x, one("Sqrt", [one("Add", [mean, number(eps)])])]);
}

/** ONNX's own op has the channels on the second axis. */
function batchNorm(
  exporter: Exporter,
  { operands: { x, mean, variance, weight, bias }, attrs: { eps, axis } }: NodeOf<"batch_norm">,
): string {
  const { one, name, number, ints } = exporter;
  const rank = x.type.shape.length;
  const channels = x.type.shape[axis]!;
  if (axis === 1 && constantDim(channels) !== undefined) {
    const gain = weight === undefined ? exporter.filled(channels, 1) : name(weight);
    const shift = bias === undefined ? exporter.filled(channels, 0) : name(bias);
    return one("BatchNormalization", [name(x), gain, shift, name(mean), name(variance)], {
      epsilon: { float: eps },
    });
  }
  const shape = Array.from({ length: rank - axis }, (_, at) => (at === 0 ? -1 : 1));
  const vector = (v: string): string => (rank - axis === 1 ? v : one("Reshape", [v, ints(...shape)]));
  const spread = one("Sqrt", [one("Add", [vector(name(variance)), number(eps)])]);
  let normed = one("Div", [one("Sub", [name(x), vector(name(mean))]), spread]);
  if (weight !== undefined) normed = one("Mul", [normed, vector(name(weight))]);
  return bias === undefined ? normed : one("Add", [normed, vector(name(bias))]);
}
