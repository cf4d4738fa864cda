import type { Edge, EdgeRole, Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import type { OpName } from "../ops/table.ts";
import { listWords, nearest } from "../support/text.ts";

/** The nodes of one op, in order. */
export const nodesOf = <K extends OpName>(graph: Graph, op: K): readonly NodeOf<K>[] =>
  graph.nodes.filter((node: Node) => node.op === op) as unknown as readonly NodeOf<K>[];

/** How many nodes of each op there are: `{ linear: 4, add_norm: 2 }`. */
export function countOps(graph: Graph): Partial<Record<OpName, number>> {
  const counts: Partial<Record<OpName, number>> = {};
  for (const { op } of graph.nodes) counts[op] = (counts[op] ?? 0) + 1;
  return counts;
}

/** The node that makes a value; undefined for inputs and parameters. */
export const producerOf = (graph: Graph, value: Value): Node | undefined =>
  graph.nodes.find((node) => node.results.includes(value));

/** The nodes that read a value, in order. */
export const readersOf = (graph: Graph, value: Value): readonly Node[] =>
  graph.nodes.filter((node) => operandValues(node).includes(value));

/** The nodes of the layer with a full label, `h.0.ln_1`. */
export const nodesAt = (graph: Graph, label: string): readonly Node[] =>
  graph.nodes.filter((node) => node.origin.label === label);

/** The value of an output; throws for a name that no output has. */
export function output(graph: Graph, name: string): Value {
  const found = graph.outputs.find((candidate) => candidate.name === name);
  return found?.value ?? unknownName("output", name, graph.outputs);
}

/** The value of an input; throws for a name that no input has. */
export function input(graph: Graph, name: string): Value {
  const found = graph.inputs.find((candidate) => candidate.name === name);
  return found?.value ?? unknownName("input", name, graph.inputs);
}

/** The value of a parameter, by its checkpoint name; throws for a name that none has. */
export function parameter(graph: Graph, name: string): Value {
  const found = graph.parameters.find((candidate) => candidate.name === name);
  return found?.value ?? unknownName("parameter", name, graph.parameters);
}

/** A residual edge, by name (`h.0 edge 1`) or number; throws if there is none. */
export function edge(graph: Graph, name: string | number): Edge & { readonly index: number } {
  const index =
    typeof name === "number" ? name : graph.edges.findIndex((candidate) => candidate.name === name);
  const found = graph.edges[index];
  if (found === undefined) return unknownName("edge", String(name), graph.edges);
  return { ...found, index };
}

/** The nodes that play a part in an edge; with `role`, those that play this one. */
export function nodesOfEdge(graph: Graph, name: string | number, role?: EdgeRole): readonly Node[] {
  const { index } = edge(graph, name);
  return graph.nodes.filter((node) =>
    node.origin.edges.some((part) => part.edge === index && (role === undefined || part.role === role)),
  );
}

function unknownName(kind: string, name: string, known: readonly { readonly name: string }[]): never {
  const names = known.map((candidate) => candidate.name);
  const near = nearest(name, names);
  const help =
    near === undefined
      ? `there ${names.length === 0 ? "are none" : `are ${listWords(names)}`}`
      : `did you mean \`${near}\`?`;
  throw new RangeError(`the graph has no ${kind} \`${name}\`; ${help}`);
}
