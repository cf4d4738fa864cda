import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph, Node, Value } from "../../ir/graph.ts";
import { operandValues, withOperands } from "../../ir/node.ts";
import { replaceValues } from "../../ir/walk.ts";
import { numberOf } from "../../passes/facts.ts";
import { removeDeadNodes } from "../../passes/nodes.ts";
import { sameType } from "../../tensor/type.ts";
import { Builder, type ConvertedGraph } from "./graph.ts";

/** What a rule may ask of the graph, and make in it. */
export interface Around {
  readonly make: Builder;
  readonly producer: (value: Value) => Node | undefined;
  /** How many nodes and outputs read a value. */
  readonly uses: (value: Value) => number;
  /** The one number that a value is made of everywhere. */
  readonly number: (value: Value) => number | undefined;
  /** Whether a value is a parameter, or made of parameters alone. */
  readonly isLearned: (value: Value) => boolean;
  /** The elements of a parameter. */
  readonly tensor: (value: Value) => StoredTensor | undefined;
}

/** Several nodes that compute what one does, seen from the last of them: the value that stands for its result. */
export type Recognize = (node: Node, around: Around) => Value | undefined;

/** Walks a graph in order and puts in the place of each node what the first rule makes of it. */
export function rewrite(converted: ConvertedGraph, rules: readonly Recognize[]): Graph {
  const { graph } = converted;
  const make = new Builder();
  const producers = new Map<Value, Node>();
  const same = new Map<Value, Value>();
  const learned = new Set<Value>(graph.parameters.map(({ value }) => value));
  const stored = new Map(graph.parameters.map(({ name, value }) => [value, converted.tensors.get(name)]));
  const uses = countUses(graph);
  // Rules look at what they have just made, too.
  const producer = (value: Value): Node | undefined => {
    note();
    return producers.get(value);
  };
  const around: Around = {
    make,
    producer,
    uses: (value) => uses.get(value) ?? 0,
    number: (value) => numberOf(producer(value)),
    isLearned: (value) => learned.has(value),
    tensor: (value) => stored.get(value),
  };
  let known = 0;
  const note = (): void => {
    for (; known < make.nodes.length; known++) {
      const node = make.nodes[known]!;
      const operands = operandValues(node);
      const isLearned = operands.length > 0 && operands.every((value) => learned.has(value));
      for (const value of node.results) {
        producers.set(value, node);
        if (isLearned) learned.add(value);
      }
    }
  };
  for (const given of graph.nodes) {
    const node = withOperands(given, (value) => same.get(value) ?? value);
    make.nodes.push(node);
    note();
    make.label = node.origin.label;
    const [result] = node.results;
    for (const rule of node.results.length === 1 ? rules : []) {
      const made = rule(node, around);
      note();
      // A number that is a whole tensor stretches what it stands beside, which rules that look at the number alone pass over.
      if (made === undefined || !sameType(made.type, result!.type)) continue;
      same.set(result!, made);
      uses.set(made, uses.get(result!) ?? 0);
      break;
    }
  }
  if (same.size === 0) return graph;
  return removeDeadNodes(replaceValues({ ...graph, nodes: make.nodes }, same));
}

function countUses(graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>();
  const count = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const node of graph.nodes) operandValues(node).forEach(count);
  graph.outputs.forEach(({ value }) => count(value));
  return uses;
}
