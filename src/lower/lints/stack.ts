import type { Edge, Graph, Node, NodeOf, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { hasTrait } from "../../ops/table.ts";

/** Where a residual edge ends: its node and what was written of it. */
export interface Join {
  readonly node: NodeOf<"residual">;
  readonly edge: Edge;
  /** True if a gain stands on what is carried or on the branch. */
  readonly isGained: boolean;
}

export const joinsOf = (graph: Graph): readonly Join[] =>
  graph.nodes.flatMap((node) => (node.op === "residual" ? [joinOf(node, graph)] : []));

function joinOf(node: NodeOf<"residual">, graph: Graph): Join {
  const edge = graph.edges[node.attrs.edge]!;
  return { node, edge, isGained: edge.skip !== undefined || edge.branch !== undefined };
}

/** True if a norm stands at one of these positions of the edge. */
export const hasNorm = ({ edge }: Join, ...positions: readonly string[]): boolean =>
  edge.norms.some(({ position }) => positions.includes(position));

/**
 * The nodes that norm what they read. Where a tanh stands in a norm's place on an edge (DyT, Zhu et al. 2025), tanh counts
 * as one everywhere.
 */
export function normNodes(graph: Graph): (node: Node) => boolean {
  const bounds = graph.nodes.some(
    ({ op, origin }) =>
      op === "tanh" && origin.edges.some(({ role }) => role === "pre" || role === "out" || role === "post"),
  );
  return ({ op }) => hasTrait(op, "norm") || (bounds && op === "tanh");
}

/** How many joins of a kind lie between a value and what resets their count, on the longest way, and the last of them. */
export interface Stack {
  readonly count: number;
  readonly last: Join | undefined;
}

export const noStack: Stack = { count: 0, last: undefined };

/** The stack behind each value that has one. Linear in the nodes. */
export function stacksOf(
  graph: Graph,
  counts: (join: Join) => boolean,
  resets: (node: Node) => boolean,
): ReadonlyMap<Value, Stack> {
  const stacks = new Map<Value, Stack>();
  for (const node of graph.nodes) {
    if (resets(node)) continue;
    let stack = noStack;
    for (const value of operandValues(node)) {
      const behind = stacks.get(value);
      if (behind !== undefined && behind.count > stack.count) stack = behind;
    }
    if (node.op === "residual") {
      const join = joinOf(node, graph);
      if (counts(join)) stack = { count: stack.count + 1, last: join };
    }
    if (stack.count > 0) for (const value of node.results) stacks.set(value, stack);
  }
  return stacks;
}
