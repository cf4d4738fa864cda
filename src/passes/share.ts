import type { Graph, Node, Value } from "../ir/graph.ts";
import { namedOperands, operandValues, withOperands } from "../ir/node.ts";
import { replaceValues } from "../ir/walk.ts";
import { hasTrait, recordOf } from "../ops/table.ts";
import { showType } from "../tensor/type.ts";
import { mergeEdges } from "./nodes.ts";
import type { Pass } from "./pass.ts";

export const shareNodes: Pass = {
  name: "common-subexpressions",
  doc: "computes once what several nodes compute alike: same op, operands and attributes; ops are pure",
  run: (graph) => new Sharing(graph).run(),
};

class Sharing {
  readonly #graph: Graph;
  readonly #numbers = new Map<Value, number>();
  readonly #same = new Map<Value, Value>();
  /** Where the first node of each key stands among those that are kept. */
  readonly #places = new Map<string, number>();
  readonly #nodes: Node[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  run(): Graph {
    for (const node of this.#graph.nodes)
      this.#visit(withOperands(node, (value) => this.#same.get(value) ?? value));
    if (this.#same.size === 0) return this.#graph;
    return replaceValues({ ...this.#graph, nodes: this.#nodes }, this.#same);
  }

  #visit(node: Node): void {
    const key = keyOf(node, (value) => this.#numberOf(value));
    const place = this.#places.get(key);
    if (place === undefined) {
      this.#places.set(key, this.#nodes.push(node) - 1);
      return;
    }
    const first = this.#nodes[place]!;
    node.results.forEach((value, index) => this.#same.set(value, first.results[index]!));
    this.#nodes[place] = { ...first, origin: { ...first.origin, edges: mergeEdges([first, node]) } };
  }

  #numberOf(value: Value): number {
    const number = this.#numbers.get(value) ?? this.#numbers.size;
    this.#numbers.set(value, number);
    return number;
  }
}

function keyOf(node: Node, numberOf: (value: Value) => number): string {
  const record = recordOf(node.op);
  const operands = namedOperands(node);
  const slots = hasTrait(node.op, "commutative")
    ? operandValues(node)
        .map(numberOf)
        .sort((a, b) => a - b)
    : Object.keys(record.operands).map((name) => {
        const operand = operands[name];
        if (operand === undefined) return "-";
        return Array.isArray(operand) ? (operand as Value[]).map(numberOf) : numberOf(operand as Value);
      });
  const types = node.results.map((value) => showType(value.type));
  return JSON.stringify([node.op, slots, node.attrs, types], exactNumber);
}

/** JSON has no -0, NaN or infinities; for a key they must differ. */
const exactNumber = (_name: string, value: unknown): unknown =>
  typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? "-0" : value}`
    : value;
