import type { Node, Value } from "../ir/graph.ts";
import { namedOperands, operandValues, withOperands } from "../ir/node.ts";
import { replaceValues } from "../ir/walk.ts";
import { hasTrait, recordOf } from "../ops/table.ts";
import { showType } from "../tensor/type.ts";
import { mergeEdges } from "./nodes.ts";
import type { Pass } from "./pass.ts";

export const shareNodes: Pass = {
  name: "common-subexpressions",
  doc: "computes once what several nodes compute alike: same op, operands and attributes; ops are pure",
  run: (graph) => {
    const numbers = new Map<Value, number>();
    const numberOf = (value: Value): number => {
      const number = numbers.get(value) ?? numbers.size;
      numbers.set(value, number);
      return number;
    };
    const same = new Map<Value, Value>();
    const places = new Map<string, number>();
    const nodes: Node[] = [];
    for (const old of graph.nodes) {
      const node = withOperands(old, (value) => same.get(value) ?? value);
      const key = keyOf(node, numberOf);
      const place = places.get(key);
      if (place === undefined) {
        places.set(key, nodes.push(node) - 1);
        continue;
      }
      const first = nodes[place]!;
      node.results.forEach((value, index) => same.set(value, first.results[index]!));
      nodes[place] = { ...first, origin: { ...first.origin, edges: mergeEdges([first, node]) } };
    }
    return same.size === 0 ? graph : replaceValues({ ...graph, nodes }, same);
  },
};

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
