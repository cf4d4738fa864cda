import type { Graph, Node, Value } from "../../ir/graph.ts";
import { makeNode, makeValue, onlyResult, operandValues } from "../../ir/node.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { listWords } from "../../support/text.ts";
import { isFloat } from "../../tensor/dtype.ts";

/** A graph with the output `loss`, and what the loss is. */
export interface ProbedLoss {
  readonly graph: Graph;
  readonly description: string;
}

/**
 * What a model is probed with: the loss of its `train` section, or one that is made up. Undefined if it has neither: none of
 * its outputs is a float.
 */
export const probedLoss = ({ graph, train }: LoweredModel): ProbedLoss | undefined =>
  train === undefined
    ? withSurrogateLoss(graph)
    : { graph: train.graph, description: lossWords(train.graph) };

/**
 * A loss for a model without a `train` section: the sum over its float outputs y of the mean of y · t, where the targets t
 * are inputs of the graph. With random t a gradient of one size and no direction of its own comes in at the output, however
 * large y is. Undefined if no output is a float.
 */
function withSurrogateLoss(source: Graph): ProbedLoss | undefined {
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

/** The losses of a `train` section, by the ops that make the summands of its loss; other terms have no name. */
export function lossWords({ nodes, outputs }: Graph): string {
  const terms = new Set(outputs.filter(({ name }) => name === "loss").map(({ value }) => value));
  const words = new Set<string>();
  for (const node of nodes.toReversed()) {
    if (!node.results.some((value) => terms.has(value))) continue;
    if (node.op === "add") for (const value of operandValues(node)) terms.add(value);
    else words.add(isLoss(node.op) ? node.op.replaceAll("_", " ") : OTHER);
  }
  const named = [...words].filter((word) => word !== OTHER).reverse();
  if (named.length === 0) return "as the `train` section says";
  return [...named, ...(words.has(OTHER) ? [OTHER] : [])].join(" + ");
}

const isLoss = (op: string): boolean => op === "cross_entropy" || op === "mean_squared_error";

const OTHER = "another term";
