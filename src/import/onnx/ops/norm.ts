import type { Value } from "../../../ir/graph.ts";
import { NoForm } from "../graph.ts";
import { floatOf, intOf } from "../model.ts";
import { shortest } from "../numbers.ts";
import type { Site } from "../site.ts";
import { axisOf, rankOf, type Convert } from "./form.ts";

const epsOf = (site: Site): number => shortest(floatOf(site.node, "epsilon", 1e-5));

function row(site: Site): Value {
  const x = site.value(0);
  if (axisOf(intOf(site.node, "axis", -1), rankOf(x)) !== rankOf(x) - 1)
    throw new NoForm("an `axis` that is not the last");
  if (site.node.outputs.slice(1).some((name) => name !== ""))
    throw new NoForm("mean and deviation as results");
  return x;
}

/** A gain or shift of the row: a vector, or ones and zeros that are none. */
const vector = (site: Site, index: number, neutral: number): Value | undefined =>
  site.has(index) && !site.isFilled(index, neutral) ? site.value(index) : undefined;

const layerNorm: Convert = (site) => {
  const x = row(site);
  const weight = vector(site, 1, 1);
  const bias = vector(site, 2, 0);
  return site.emit("layer_norm", { x, weight, bias }, { eps: epsOf(site) });
};

const rmsNorm: Convert = (site) => {
  const x = row(site);
  return site.emit("rms_norm", { x, weight: vector(site, 1, 1), bias: undefined }, { eps: epsOf(site) });
};

const batchNorm: Convert = (site) => {
  if (intOf(site.node, "training_mode", 0) === 1) throw new NoForm("the statistics of a batch");
  const [x, weight, bias, mean, variance] = site.values();
  return site.emit(
    "batch_norm",
    { x: x!, mean: mean!, variance: variance!, weight, bias },
    { eps: epsOf(site), axis: 1 },
  );
};

export const normOps: Readonly<Record<string, Convert>> = {
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  // As onnxruntime's and its exporters called it before it was one of ONNX's.
  SimplifiedLayerNormalization: rmsNorm,
  "com.microsoft.SimplifiedLayerNormalization": rmsNorm,
};
