import type { Edge, Graph, Node, Parameter, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import type { Finding, Lint, Linted } from "./lint.ts";
import { joinsOf, normNodes, stacksOf, type Join } from "./stack.ts";

/** As many branches as make the stream four times as large, if each is as large as what it is added to. */
const LEAST_EDGES = 4;

/**
 * Branches of weights without a norm, one after the other on a stream without one: each adds a share of what the stream is
 * to it, so that the stream grows as a power of their number (Zhang et al. 2019, "Fixup", section 2). A gain, an `init`, or
 * weights that begin small are other ways to prevent that.
 */
export const unnormedBranch: Lint = {
  code: "W303",
  find: (model) => {
    const { graph } = model;
    const joins = unnormedJoins(model);
    const stacks = stacksOf(graph, ({ node }) => joins.has(node), normNodes(graph));
    const counts = new Map<Edge["span"], { readonly join: Join; readonly count: number }>();
    // The edges of a repeat are one statement: it is told with the longest row that ends with it.
    for (const join of joinsOf(graph)) {
      const count = joins.has(join.node) ? stacks.get(join.node.results[0]!)!.count : 0;
      if (count >= LEAST_EDGES) counts.set(join.edge.span, { join, count });
    }
    return [...counts.values()].map(({ join, count }): Finding => ({
      spans: join.node.origin.spans,
      message: `no norm stands on this branch, in ${count} edges in a row`,
      help:
        "each may add as much as there is already, so that the stream grows as a power of the depth: " +
        "`residual pre ln: layernorm { … }`, or a gain that begins at zero, `branch alpha: scale([1], init: 0)`",
    }));
  },
};

/** The nodes of edges whose branch makes weights of the stream's own making, with nothing that keeps it small. */
function unnormedJoins({ graph, scaledEdges }: Linted): ReadonlySet<Node> {
  const isNorm = normNodes(graph);
  const places = placesOf(graph);
  const small = smallParameters(graph.parameters);
  const isPlain = ({ node, edge, isGained }: Join): boolean =>
    edge.source === "stream" && edge.norms.length === 0 && !isGained && !scaledEdges.has(node.attrs.edge);
  const found = joinsOf(graph).filter((join) => {
    if (!isPlain(join)) return false;
    const { nodes, readsSource } = branchOf(join, graph, places);
    const isBounded = (node: Node): boolean =>
      isNorm(node) || node.op === "tanh" || operandValues(node).some((value) => small.has(value));
    return readsSource && nodes.some(hasWeights) && !nodes.some(isBounded);
  });
  return new Set(found.map(({ node }) => node));
}

const hasWeights = ({ op }: Node): boolean => op === "linear" || op === "conv2d" || op === "routed_linear";

/** Where each value is made: the number of its node. */
const placesOf = ({ nodes }: Graph): ReadonlyMap<Value, number> =>
  new Map(nodes.flatMap(({ results }, index) => results.map((value) => [value, index] as const)));

/** Weights and gains that begin at a number below 1, most often zero; offsets that do add nothing. */
function smallParameters(parameters: readonly Parameter[]): ReadonlySet<Value> {
  const small = parameters.filter(
    ({ name, init }) => init.kind === "constant" && Math.abs(init.value) < 1 && !name.endsWith("bias"),
  );
  return new Set(small.map(({ value }) => value));
}

/** The nodes of an edge's branch: those behind its value, back to what the edge carries. */
function branchOf({ node }: Join, graph: Graph, places: ReadonlyMap<Value, number>) {
  const { source, branches } = node.operands;
  const start = places.get(source) ?? -1;
  const nodes: Node[] = [];
  const seen = new Set<Value>(branches);
  for (const value of seen) {
    const place = places.get(value) ?? -1;
    if (place <= start) continue;
    nodes.push(graph.nodes[place]!);
    for (const operand of operandValues(graph.nodes[place]!)) seen.add(operand);
  }
  return { nodes, readsSource: seen.has(source) };
}
