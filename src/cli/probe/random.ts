import { randomInputs } from "../../ir/initialize.ts";
import type { Graph, Node, Output } from "../../ir/graph.ts";
import { makeNode, makeValue, onlyResult } from "../../ir/node.ts";
import { isFloat } from "../../tensor/dtype.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { RandomStream } from "../../tensor/random.ts";

/** A graph with the output `loss`, and what the loss is. */
export interface ProbedLoss {
  readonly graph: Graph;
  readonly description: string;
}

/**
 * A loss for a model without a `train` section: the mean of (y - t)² over its float outputs y, with targets t that are
 * inputs of the graph. Undefined if no output is a float.
 */
export function withSurrogateLoss(source: Graph): ProbedLoss | undefined {
  const outputs = source.outputs.filter(({ value }) => isFloat(value.type.dtype));
  if (outputs.length === 0) return undefined;
  const nodes: Node[] = [];
  const push = (node: Node) => {
    nodes.push(node);
    return onlyResult(node);
  };
  const targets = outputs.map(({ name, value }) => makeValue(value.type, `target_${name}`));
  const loss = outputs
    .map(({ value: x }, index) => push(makeNode("mean_squared_error", { x, y: targets[index]! }, {}) as Node))
    .reduce((x, y) => push(makeNode("add", { x, y }, {}) as Node));
  const inputs = targets.map((value) => ({ name: value.hint!, value, fill: undefined, span: undefined }));
  const lossOutput: Output = { name: "loss", value: loss, span: undefined };
  return {
    graph: {
      ...source,
      inputs: [...source.inputs, ...inputs],
      nodes: [...source.nodes, ...nodes],
      outputs: [lossOutput],
    },
    description: `there is no \`train\` section: the loss is the mean squared difference of ${outputs
      .map(({ name }) => name)
      .join(" and ")} from random targets`,
  };
}

/** Inputs without a default: floats standard normal, ids and classes uniform; by the seed and the input's name. */
export function randomBatch(
  graph: Graph,
  sizes: ReadonlyMap<string, number>,
  seed: number,
): Readonly<Record<string, HostTensor>> {
  const drawn = randomInputs(graph, sizes, seed);
  return Object.fromEntries(
    graph.inputs.flatMap(({ name, fill }) => {
      if (fill !== undefined) return [];
      const tensor = drawn[name]!;
      const random = new RandomStream(seed, `input ${name}`);
      const data = isFloat(tensor.dtype) ? tensor.data.map(() => random.normal()) : tensor.data;
      return [[name, { ...tensor, data }]];
    }),
  );
}
