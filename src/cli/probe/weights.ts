import type { EmittedTensors } from "../../emit/emitted.ts";
import { toFloat32 } from "../../checkpoint/stored.ts";
import type { Graph } from "../../ir/graph.ts";
import { matchWeights } from "../../run/weights.ts";
import { openNamed, type WeightChoice } from "../run/chosen.ts";
import { orStop } from "../stop.ts";

/** The weights that `--weights` names, or a run or a checkpoint in the place of the model has; undefined without any. */
export function readProbedWeights(
  graph: Graph,
  options: WeightChoice,
  notNeeded: readonly string[] = [],
): EmittedTensors | undefined {
  const { weights: path } = options;
  if (path === undefined) return undefined;
  const weights = orStop(
    matchWeights(graph, openNamed({ ...options, weights: path }), { ...options, notNeeded }),
  );
  try {
    return Object.fromEntries(
      [...weights.tensors].map(([name, tensor]) => [
        name,
        { shape: tensor.shape, data: toFloat32(tensor.read()) },
      ]),
    );
  } finally {
    weights.close();
  }
}
