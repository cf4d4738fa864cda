import { randomInputs } from "../../ir/initialize.ts";
import type { Graph, Node, Value } from "../../ir/graph.ts";
import { makeNode, makeValue, onlyResult } from "../../ir/node.ts";
import { listWords } from "../../support/text.ts";
import { isFloat } from "../../tensor/dtype.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { RandomStream } from "../../tensor/random.ts";

/** A graph with the output `loss`, and what the loss is. */
export interface ProbedLoss {
  readonly graph: Graph;
  readonly description: string;
}

/**
 * A loss for a model without a `train` section: the sum over its float outputs y of the mean of y · t, where the targets t
 * are inputs of the graph. With random t a gradient of one size and no direction of its own comes in at the output, however
 * large y is. Undefined if no output is a float.
 */
export function withSurrogateLoss(source: Graph): ProbedLoss | undefined {
  const outputs = source.outputs.filter(({ value }) => isFloat(value.type.dtype));
  if (outputs.length === 0) return undefined;
  const nodes: Node[] = [];
  const push = (node: Node): Value => {
    nodes.push(node);
    return onlyResult(node);
  };
  const targets = outputs.map(({ name, value }) => makeValue(value.type, `target_${name}`));
  const loss = outputs
    .map(({ value }, index) => {
      const x = push(makeNode("mul", { x: value, y: targets[index]! }, {}));
      return push(makeNode("reduce_mean", { x }, { axes: [...value.type.shape.keys()] }));
    })
    .reduce((x, y) => push(makeNode("add", { x, y }, {})));
  const inputs = targets.map((value) => ({ name: value.hint!, value, fill: undefined, span: undefined }));
  const names = listWords(outputs.map(({ name }) => name));
  return {
    graph: {
      ...source,
      inputs: [...source.inputs, ...inputs],
      nodes: [...source.nodes, ...nodes],
      outputs: [{ name: "loss", value: loss, span: undefined }],
    },
    description: `the mean of ${names} times random numbers, as there is no \`train\` section`,
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
