import { Problem } from "../checkpoint/problem.ts";
import { toHostTensor } from "../checkpoint/stored.ts";
import type { Graph } from "../ir/graph.ts";
import { interpret } from "../ir/interpret.ts";
import { plural } from "../support/text.ts";
import type { HostTensor } from "../tensor/host.ts";
import { attempt } from "./attempt.ts";
import type { Engine } from "./engine.ts";
import type { Weights } from "./weights.ts";

/** Interprets a graph in float64, which any stage of a model can be. */
export function interpreterEngine(graph: Graph, weights: Weights): Engine | Problem {
  const parameters = hostWeights(weights);
  if (parameters instanceof Problem) return parameters;
  return {
    description: `interpreted in float64, ${plural(graph.nodes.length, "node")}`,
    run: (inputs) => attempt(() => new Map(Object.entries(interpret(graph, { inputs, parameters })))),
    close: () => undefined,
  };
}

/** The weights as the interpreter takes them. */
function hostWeights(weights: Weights): ReadonlyMap<string, HostTensor> | Problem {
  const parameters = new Map<string, HostTensor>();
  for (const [name, tensor] of weights.tensors) {
    const found = toHostTensor(tensor.read(), `${weights.from}: ${name}`);
    if (found instanceof Problem) return found;
    parameters.set(name, found);
  }
  return parameters;
}
