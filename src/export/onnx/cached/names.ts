import type { Graph, Node, State, Value } from "../../../ir/graph.ts";
import { producersOf } from "../../../ir/walk.ts";

/** What a part of the cache is called as it comes in and as it goes out. */
export interface CacheName {
  readonly past: string;
  readonly present: string;
}

/** Whose keys and values those of a state are, where a model has several texts: a word in front of `key`, ended by a dot. */
type SideOf = (state: State) => string;

/**
 * Keys and values by the number of their attention, as exporters of transformers' models call them; any other state by the
 * layer that it is of. Attentions to each side are counted by themselves.
 */
export function cacheNames(graph: Graph, sideOf: SideOf = () => ""): ReadonlyMap<State, CacheName> {
  const names = new Map<State, CacheName>();
  const trace = tracer(graph);
  const counts = new Map<string, number>();
  for (const node of graph.nodes) {
    if (node.op !== "attend") continue;
    const [key, value] = [trace(node.operands.k), trace(node.operands.v)];
    if (key === undefined || value === undefined || key === value || names.has(key) || names.has(value))
      continue;
    const side = sideOf(key);
    if (sideOf(value) !== side) continue;
    const layer = counts.get(side) ?? 0;
    counts.set(side, layer + 1);
    for (const [state, word] of [
      [key, "key"],
      [value, "value"],
    ] as const) {
      const name = `${layer}.${side}${word}`;
      names.set(state, { past: `past_key_values.${name}`, present: `present.${name}` });
    }
  }
  for (const state of graph.states)
    if (!names.has(state)) names.set(state, { past: `past.${state.name}`, present: `present.${state.name}` });
  return names;
}

export const allNames = (names: ReadonlyMap<State, CacheName>): readonly string[] =>
  [...names.values()].flatMap(({ past, present }) => [past, present]);

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
