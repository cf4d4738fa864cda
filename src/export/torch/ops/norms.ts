import type { NodeOf, Value } from "../../../ir/graph.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { Refused } from "../../table.ts";
import { atom, number, sum, type Expression } from "../python.ts";
import type { Site, TorchTable } from "../site.ts";

const widthOf = ({ type }: Value): number => constantDim(type.shape.at(-1)!)!;

const optional = (value: Value | undefined, site: Site): string =>
  value === undefined ? "None" : site.read(value);

function layerNorm(
  { operands: { x, weight, bias }, attrs: { eps } }: NodeOf<"layer_norm">,
  site: Site,
): Expression {
  const affine = bias === undefined ? ", bias=False" : "";
  const module =
    weight === undefined
      ? undefined
      : site.module(`nn.LayerNorm(${widthOf(x)}, eps=${number(eps)}${affine})`, { weight, bias });
  if (module !== undefined) return atom(`${module}(${site.read(x)})`);
  const parts = `${optional(weight, site)}, ${optional(bias, site)}, ${number(eps)}`;
  return atom(`F.layer_norm(${site.read(x)}, (${widthOf(x)},), ${parts})`);
}

/** Where a half-precision row is rounded is torch's: after the weight. */
function rmsNorm({ operands: { x, weight, bias }, attrs }: NodeOf<"rms_norm">, site: Site): Expression {
  const { eps, unit_offset: isOffset } = attrs;
  const sizes = `${widthOf(x)}, eps=${number(eps)}`;
  if (weight !== undefined && bias === undefined) {
    const name = isOffset ? site.helper("RMSNormFromOne") : "nn.RMSNorm";
    const module = site.module(`${name}(${sizes})`, { weight });
    if (module !== undefined) return atom(`${module}(${site.read(x)})`);
  }
  const gain = weight === undefined ? "" : `, ${isOffset ? "1 + " : ""}${site.read(weight)}`;
  const normed = `F.rms_norm(${site.read(x)}, (${widthOf(x)},)${gain}, eps=${number(eps)})`;
  return bias === undefined ? atom(normed) : sum(`${normed} + ${site.atom(bias)}`);
}

/**
 * A batch norm and the statistics that it takes while the model trains are one module, which keeps the running ones as buffers.
 * In a graph of a model as it is used there are the running ones alone.
 */
function batchNorm(node: NodeOf<"batch_norm">, site: Site): Expression {
  const { x, mean, variance, weight, bias } = node.operands;
  const statistics = site.producer(mean);
  const isTraining = statistics?.op === "batch_statistics";
  const running = isTraining
    ? { running_mean: statistics.operands.running_mean, running_var: statistics.operands.running_variance }
    : { running_mean: mean, running_var: variance };
  if (isTraining && (statistics.operands.x !== x || statistics.results[1] !== variance))
    throw new Refused("op", "batch_norm by the statistics of something else", node);
  const { momentum, unbiased } = isTraining ? statistics.attrs : { momentum: 0.1, unbiased: true };
  const flags = [
    `eps=${number(node.attrs.eps)}`,
    `momentum=${number(momentum)}`,
    ...(node.attrs.axis === 1 ? [] : [`axis=${node.attrs.axis}`]),
    ...(unbiased ? [] : ["unbiased=False"]),
    ...(weight === undefined ? ["weight=False"] : []),
    ...(bias === undefined ? ["bias=False"] : []),
  ];
  const name = site.helper("BatchNorm");
  const channels = constantDim(running.running_mean.type.shape[0]!)!;
  const module = site.module(`${name}(${channels}, ${flags.join(", ")})`, { weight, bias, ...running });
  if (module === undefined) throw new Refused("name", "a batch norm whose parameters have other names", node);
  return atom(`${module}(${site.read(x)})`);
}

export const norms: Pick<
  TorchTable,
  "layer_norm" | "rms_norm" | "l2_norm" | "batch_norm" | "batch_statistics" | "dropout"
> = {
  layer_norm: layerNorm,
  rms_norm: rmsNorm,
  l2_norm: ({ operands: { x }, attrs: { eps } }, site) =>
    atom(`F.normalize(${site.read(x)}, dim=-1, eps=${number(eps)})`),
  batch_norm: batchNorm,
  // Read by its batch norm alone, which writes both.
  batch_statistics: () => atom("None"),
  dropout: ({ operands: { x }, attrs: { rate } }, site) =>
    rate === 0
      ? { text: site.read(x), atom: false }
      : atom(`F.dropout(${site.read(x)}, ${number(rate)}, self.training)`),
};
