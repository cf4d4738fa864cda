import { invariant } from "../support/invariant.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { operandValues, withOperands } from "./node.ts";

/** The node that makes a value, and which of its results it is. */
export interface Producer {
  readonly node: Node;
  readonly result: number;
}

/** Who makes each value; inputs, parameters and states have no entry. */
export function producersOf(graph: Graph): Map<Value, Producer> {
  const producers = new Map<Value, Producer>();
  for (const node of graph.nodes)
    for (const [result, value] of node.results.entries()) producers.set(value, { node, result });
  return producers;
}

/** The nodes that read each value, in their order; a node that reads it twice stands twice. */
export function usersOf(graph: Graph): Map<Value, Node[]> {
  const users = new Map<Value, Node[]>();
  for (const node of graph.nodes)
    for (const value of operandValues(node)) {
      const found = users.get(value);
      if (found === undefined) users.set(value, [node]);
      else found.push(node);
    }
  return users;
}

/** The values for which the graph runs: those that it returns, and what its states are next. */
export const resultValues = ({ outputs, states }: Graph): Set<Value> =>
  new Set([...outputs.map(({ value }) => value), ...states.map(({ next }) => next)]);

/** Makes all readers, nodes, outputs and states, read other values; a replacement may be replaced itself. */
export function replaceValues(graph: Graph, replacements: ReadonlyMap<Value, Value>): Graph {
  if (replacements.size === 0) return graph;
  const ends = new Map<Value, Value>();
  const change = (value: Value): Value => {
    if (!replacements.has(value)) return value;
    const known = ends.get(value);
    if (known !== undefined) return known;
    const path: Value[] = [];
    let end = value;
    for (let next = replacements.get(end); next !== undefined; next = replacements.get(end)) {
      invariant(path.length <= replacements.size, "values replace each other in a circle");
      path.push(end);
      end = next;
    }
    for (const step of path) ends.set(step, end);
    return end;
  };
  return {
    ...graph,
    nodes: graph.nodes.map((node) =>
      operandValues(node).some((v) => replacements.has(v)) ? withOperands(node, change) : node,
    ),
    outputs: graph.outputs.map((output) => ({ ...output, value: change(output.value) })),
    states: graph.states.map((state) => ({ ...state, next: change(state.next) })),
  };
}

/**
 * The nodes in an order in which they can run, as near to the given order as that allows: each node is preceded by the
 * nodes that it needs. For passes that put nodes where it is handy.
 */
export function sortNodes(nodes: readonly Node[]): Node[] {
  const producers = new Map<Value, Node>();
  for (const node of nodes) for (const value of node.results) producers.set(value, node);
  const sorted: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  // A stack of its own: graphs are deeper than the stack of JavaScript.
  const stack: { readonly node: Node; readonly needs: Iterator<Value> }[] = [];
  const open = (node: Node): void => {
    state.set(node, "open");
    stack.push({ node, needs: operandValues(node).values() });
  };
  for (const root of nodes) {
    if (!state.has(root)) open(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const step = top.needs.next();
      if (step.done === true) {
        state.set(top.node, "done");
        sorted.push(top.node);
        stack.pop();
        continue;
      }
      const needed = producers.get(step.value);
      if (needed === undefined) continue;
      invariant(state.get(needed) !== "open", `${needed.op} needs its own result`);
      if (!state.has(needed)) open(needed);
    }
  }
  return sorted;
}

/** For each value the index of the last node that reads it; results of the graph and values without a reader have none. */
export function lastReads(graph: Graph): Map<Value, number> {
  const last = new Map<Value, number>();
  for (const [index, node] of graph.nodes.entries())
    for (const value of operandValues(node)) last.set(value, index);
  for (const value of resultValues(graph)) last.delete(value);
  return last;
}
