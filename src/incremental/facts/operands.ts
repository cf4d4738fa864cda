import type { Node, Value } from "../../ir/graph.ts";
import { namedOperands } from "../../ir/node.ts";
import type { Operand } from "./along.ts";
import type { Fact } from "./fact.ts";

/** The operands of a node by name, those of a list one by one, each with the axes of positions that it has. */
export const operandsWithAxes = (node: Node, factOf: (value: Value) => Fact): Operand[] =>
  Object.entries(namedOperands(node)).flatMap(([name, operand]) =>
    [operand ?? []].flat().map((value) => ({ name, value, axes: factOf(value).axes })),
  );
