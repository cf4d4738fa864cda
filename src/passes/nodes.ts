import { phases, type EdgePart, type Graph, type Node, type NodeOf } from "../ir/graph.ts";
import type { Origin, Phase, Value } from "../ir/graph.ts";
import { liveNodes } from "../ir/keep-outputs.ts";
import { makeNode, type GivenAttributes } from "../ir/node.ts";
import { resultValues } from "../ir/walk.ts";
import type { OpName, OperandsOf } from "../ops/table.ts";
import { invariant } from "../support/invariant.ts";
import { sameType, showType } from "../tensor/type.ts";

/**
 * A node that makes existing values in another way. Readers need no change, and hints and names stay: that is how a
 * pass puts one node in the place of several.
 */
export function makeInPlace<K extends OpName>(
  op: K,
  operands: OperandsOf<K, Value>,
  attrs: GivenAttributes<K>,
  origin: Origin,
  results: readonly Value[],
): NodeOf<K> {
  const node = makeNode(op, operands, attrs, origin);
  invariant(node.results.length === results.length, `${op} makes ${node.results.length} values`);
  node.results.forEach((made, index) => {
    const old = results[index]!;
    invariant(sameType(made.type, old.type), `${op} makes ${showType(made.type)}, not ${showType(old.type)}`);
  });
  return { ...node, results };
}

/**
 * The origin of a node that took in others: text and layer of the first, the edges of all, and what they were. The
 * first that has a label gives it. It runs in the phase of the last of them.
 */
export function mergeOrigins(nodes: readonly Node[]): Origin {
  const [first] = nodes;
  invariant(first, "a fused node comes from at least one node");
  const label = nodes.find((node) => node.origin.label !== "")?.origin.label ?? "";
  const fused = nodes.flatMap((node) => (node.origin.fused.length > 0 ? node.origin.fused : [node.op]));
  return { ...first.origin, label, edges: mergeEdges(nodes), fused, ...lastPhase(nodes) };
}

function lastPhase(nodes: readonly Node[]): { readonly phase?: Phase } {
  const phase = phases.findLast((each) => nodes.some(({ origin }) => origin.phase === each));
  return phase === undefined ? {} : { phase };
}

/** The parts that nodes play in residual edges, each once, in the order of the edges. */
export function mergeEdges(nodes: readonly Node[]): EdgePart[] {
  const seen = new Map<string, EdgePart>();
  for (const node of nodes)
    for (const part of node.origin.edges) {
      const key = `${part.edge} ${part.role}`;
      if (!seen.has(key)) seen.set(key, part);
    }
  return [...seen.values()].sort((a, b) => a.edge - b.edge);
}

/** Drops nodes whose results nobody reads. All our ops are pure, so that is always allowed. Inputs and parameters stay. */
export function removeDeadNodes(graph: Graph): Graph {
  const nodes = liveNodes(graph.nodes, resultValues(graph));
  return nodes === graph.nodes ? graph : { ...graph, nodes };
}
