import type { Graph, Node, State, Value } from "../../ir/graph.ts";
import { producersOf } from "../../ir/walk.ts";

/** What a part of the cache is called as it comes in and as it goes out. */
export interface CacheName {
  readonly past: string;
  readonly present: string;
}

/**
 * Keys and values by the number of their attention, as exporters of transformers' models call them; any other state by the
 * layer that it is of.
 */
export function cacheNames(graph: Graph): ReadonlyMap<State, CacheName> {
  const names = new Map<State, CacheName>();
  const trace = tracer(graph);
  const attentions = graph.nodes.filter((node) => node.op === "attend");
  let layer = 0;
  for (const { operands } of attentions) {
    const [key, value] = [trace(operands.k), trace(operands.v)];
    if (key === undefined || value === undefined || key === value || names.has(key) || names.has(value))
      continue;
    names.set(key, { past: `past_key_values.${layer}.key`, present: `present.${layer}.key` });
    names.set(value, { past: `past_key_values.${layer}.value`, present: `present.${layer}.value` });
    layer++;
  }
  for (const state of graph.states)
    if (!names.has(state)) names.set(state, { past: `past.${state.name}`, present: `present.${state.name}` });
  return names;
}

/** The state whose rows a value is, seen otherwise or copied for the heads of a group. */
function tracer(graph: Graph): (value: Value) => State | undefined {
  const producers = producersOf(graph);
  const states = new Map(graph.states.map((state) => [state.value, state]));
  return (value) => {
    for (let at: Value | undefined = value; at !== undefined;) {
      const state = states.get(at);
      if (state !== undefined) return state;
      const node: Node | undefined = producers.get(at)?.node;
      at = node !== undefined && isMove(node) ? node.operands.x : undefined;
    }
    return undefined;
  };
}

type Move = Extract<Node, { op: "slice" | "reshape" | "permute" | "broadcast" | "write" }>;

const isMove = (node: Node): node is Move =>
  ["slice", "reshape", "permute", "broadcast", "write"].includes(node.op);
