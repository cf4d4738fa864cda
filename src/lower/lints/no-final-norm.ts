import type { Graph, Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import type { Finding, Lint } from "./lint.ts";
import { hasNorm, noStack, normNodes, stacksOf, type Join } from "./stack.ts";

/** Two layers of attention and feed-forward block: what they add up to is twice as large as one of them. */
const LEAST_EDGES = 4;

/**
 * A stack whose norms stand in the branches (`pre`, `out`), and no norm between its last edge and an output. What n such
 * branches add up to grows as √n, and so do the logits made of it: every pre-norm model since GPT-2 (Radford et al. 2019,
 * section 2.3; Xiong et al. 2020, figure 1b) has one more norm behind the stack. Edges with gains are not counted: they may
 * be there to keep the sum small.
 */
export const noFinalNorm: Lint = {
  code: "W301",
  find: ({ graph }) => {
    const isNorm = normNodes(graph);
    const adds = (join: Join): boolean =>
      !join.isGained && hasNorm(join, "pre", "out") && !hasNorm(join, "post");
    const stacks = stacksOf(graph, adds, isNorm);
    const normed = readByNorms(graph, isNorm);
    return graph.outputs.flatMap(({ name, value, span }): Finding[] => {
      const { count, last } = stacks.get(value) ?? noStack;
      if (count < LEAST_EDGES || last === undefined || normed.has(last.node.results[0]!)) return [];
      return [
        {
          spans: last.node.origin.spans,
          message: `${count} edges add to this stream, and no norm stands between them and the output \`${name}\``,
          label: "the last of them",
          more: span === undefined ? [] : [{ span, text: "the output" }],
          help: "their sum grows with the depth: end the stack with a norm, `norm: layernorm`",
        },
      ];
    });
  },
};

/** The values from which a norm can be reached. */
function readByNorms(graph: Graph, isNorm: (node: Node) => boolean): ReadonlySet<Value> {
  const found = new Set<Value>();
  for (const node of graph.nodes.toReversed())
    if (isNorm(node) || node.results.some((value) => found.has(value)))
      for (const value of operandValues(node)) found.add(value);
  return found;
}
