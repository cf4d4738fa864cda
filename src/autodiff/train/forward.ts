import type { Graph, Input, Node, Parameter, Value } from "../../ir/graph.ts";
import { makeValue, withOperands } from "../../ir/node.ts";
import { tensorType } from "../../tensor/type.ts";

/** The input with the seed and the number of the micro-step, i32[2]: the key of every dropout. */
export const RANDOM_INPUT = "optimizer.random";

export interface TrainingForward {
  readonly graph: Graph;
  /** Undefined if nothing is dropped. */
  readonly random: Input | undefined;
  /** The running statistics as they are after the step. */
  readonly statistics: ReadonlyMap<Parameter, Value>;
}

/**
 * The forward pass of a training step: each dropout has the key of the step and a stream of its own, by its place among
 * the dropouts; a running statistic that is moved twice (a shared norm) is moved on from where the first left it.
 */
export function trainingForward(graph: Graph): TrainingForward {
  const key = makeValue(tensorType("i32", 2), RANDOM_INPUT);
  const owners = new Map(graph.parameters.map((parameter) => [parameter.value, parameter]));
  const statistics = new Map<Parameter, Value>();
  let streams = 0;
  const current = (value: Value): Value => {
    const owner = owners.get(value);
    return (owner && statistics.get(owner)) ?? value;
  };
  const nodes = graph.nodes.map((node): Node => {
    if (node.op === "dropout" && node.attrs.rate > 0)
      return {
        ...node,
        operands: { ...node.operands, key },
        attrs: { ...node.attrs, stream: streams++ },
      };
    if (node.op !== "batch_statistics") return node;
    const { running_mean, running_variance } = node.operands;
    const moved = withOperands(node, (value) =>
      value === running_mean || value === running_variance ? current(value) : value,
    );
    [running_mean, running_variance].forEach((value, index) => {
      const owner = owners.get(value);
      if (owner !== undefined) statistics.set(owner, node.results[2 + index]!);
    });
    return moved;
  });
  const random: Input = { name: RANDOM_INPUT, value: key, fill: undefined, span: undefined };
  return { graph: { ...graph, nodes }, random: streams === 0 ? undefined : random, statistics };
}
