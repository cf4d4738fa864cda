import { symbolsOf, type Dim } from "../tensor/dim.ts";
import type { Graph, Input, Node, Value } from "./graph.ts";
import { operandValues } from "./node.ts";
import { publishedNames } from "./stacks.ts";
import { attributeSizes } from "./verify.ts";
import { resultValues } from "./walk.ts";

/** A graph with some of its outputs, and what it has no more. */
export interface KeptOutputs {
  readonly graph: Graph;
  /** Parameters that none of these outputs needs, by all names that a checkpoint may have for them. */
  readonly notNeeded: readonly string[];
}

/**
 * The graph with these outputs only and all of its states, in its own order, and with the nodes, parameters and inputs that
 * they need. An input that nobody reads stays if it alone says what a run-time dim is.
 */
export function keepOutputs(graph: Graph, names: ReadonlySet<string>): KeptOutputs {
  const outputs = graph.outputs.filter(({ name }) => names.has(name));
  const read = resultValues({ ...graph, outputs });
  const nodes = liveNodes(graph.nodes, read);
  const inputs = neededInputs(graph, nodes, read);
  const values = [...inputs, ...graph.states].map(({ value }) => value);
  const symbols = new Set(symbolNames(values, nodes));
  return {
    graph: {
      ...graph,
      symbols: graph.symbols.filter(({ name }) => symbols.has(name)),
      inputs,
      parameters: graph.parameters.filter(({ value }) => read.has(value)),
      nodes,
      outputs,
    },
    notNeeded: graph.parameters.filter(({ value }) => !read.has(value)).flatMap(publishedNames),
  };
}

/** The nodes whose results are read, and all that they read in turn, which `read` gathers. */
export function liveNodes(nodes: readonly Node[], read: Set<Value>): readonly Node[] {
  const kept: Node[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.results.some((value) => read.has(value))) continue;
    for (const value of operandValues(node)) read.add(value);
    kept.push(node);
  }
  return kept.length === nodes.length ? nodes : kept.reverse();
}

function neededInputs(graph: Graph, nodes: readonly Node[], read: ReadonlySet<Value>): readonly Input[] {
  const needed = new Set(graph.inputs.filter(({ value }) => read.has(value)));
  for (;;) {
    const values = [...needed].map(({ value }) => value);
    const bound = new Set(values.flatMap(({ type }) => type.shape.map(({ key }) => key)));
    const unbound = [...symbolNames(values, nodes)].find((name) => !bound.has(name));
    const binding = graph.inputs.find(({ value }) => value.type.shape.some(({ key }) => key === unbound));
    if (binding === undefined) return graph.inputs.filter((input) => needed.has(input));
    needed.add(binding);
  }
}

function* symbolNames(inputs: readonly Value[], nodes: readonly Node[]): Iterable<string> {
  const sizes = new Map<string, Dim>();
  for (const { type } of [...inputs, ...nodes.flatMap(({ results }) => results)])
    for (const size of type.shape) sizes.set(size.key, size);
  for (const node of nodes) for (const size of attributeSizes(node)) sizes.set(size.key, size);
  for (const size of sizes.values()) yield* symbolsOf(size);
}
