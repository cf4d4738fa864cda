import type { Graph, Node, Output, Value } from "../../ir/graph.ts";
import { hasTrait } from "../../ops/table.ts";

/** A value that is seen from outside: a result of a step, under the name of an output. */
export interface Observed {
  readonly output: string;
  readonly node: Node;
  /** Which result of the node it is. */
  readonly result: number;
}

/** What computes nothing is no step of a plan. */
const isStep = ({ op }: Node): boolean => !hasTrait(op, "view") && !hasTrait(op, "known");

/**
 * The graph after all passes with every step's results as outputs, and what they are, in the order of the steps. Plans
 * of it have the same steps; only their memory is never shared.
 */
export function observeSteps(graph: Graph): {
  readonly graph: Graph;
  readonly observed: readonly Observed[];
} {
  const outputs: Output[] = [...graph.outputs];
  const names = new Map<Value, string>(graph.outputs.map(({ name, value }) => [value, name]));
  const observed: Observed[] = [];
  graph.nodes.forEach((node, index) => {
    if (!isStep(node)) return;
    node.results.forEach((value, result) => {
      let output = names.get(value);
      // No output that a user names has a blank in it.
      if (output === undefined)
        outputs.push({ name: (output = `node ${index}.${result}`), value, span: undefined });
      observed.push({ output, node, result });
    });
  });
  return { graph: { ...graph, outputs }, observed };
}
