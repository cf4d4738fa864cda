import { recordOf } from "../ops/table.ts";
import { showType } from "../tensor/type.ts";
import type { Node, Value } from "./graph.ts";
import { namedOperands } from "./node.ts";
import { showAttribute } from "./text/attributes.ts";

/** What some nodes read that none of them makes, each value once, in the order of first reading. */
export interface Interface {
  readonly parameters: readonly Value[];
  /** All others: inputs and states of the graph, and results of nodes elsewhere. */
  readonly inputs: readonly Value[];
}

/** What nodes compute, whatever values and parameters are called. */
export interface Form extends Interface {
  /** Equal for nodes of the same ops, attributes, types and inner wiring. */
  readonly key: string;
}

/** Linear in the nodes. */
export function formOf(nodes: readonly Node[], isParameter: (value: Value) => boolean): Form {
  const [parameters, inputs]: [Value[], Value[]] = [[], []];
  const names = new Map<Value, string>();
  for (const [index, { results }] of nodes.entries())
    for (const [result, value] of results.entries()) names.set(value, `${index}.${result}`);
  const nameOf = (value: Value): string => {
    const known = names.get(value);
    if (known !== undefined) return known;
    const list = isParameter(value) ? parameters : inputs;
    const name = `${list === parameters ? "p" : "i"}${list.push(value) - 1}`;
    names.set(value, name);
    return `${name}: ${showType(value.type)}`;
  };
  return { key: nodes.map((node) => describe(node, nameOf)).join("\n"), parameters, inputs };
}

function describe(node: Node, nameOf: (value: Value) => string): string {
  const record = recordOf(node.op);
  const operands = namedOperands(node);
  const read = Object.keys(record.operands).map((name) => {
    const operand = operands[name];
    if (operand === undefined) return "-";
    return Array.isArray(operand)
      ? `[${(operand as readonly Value[]).map(nameOf).join()}]`
      : nameOf(operand as Value);
  });
  const attributes = Object.entries(record.attrs).map(([name, { kind }]) => {
    const value = (node.attrs as Readonly<Record<string, unknown>>)[name];
    // Which edge it is tells where a node stands, not what it computes.
    return value === undefined || (node.op === "residual" && name === "edge")
      ? "-"
      : showAttribute(kind, value);
  });
  const made = node.results.map(({ type }) => showType(type));
  return [node.op, node.origin.phase ?? "", ...read, ...attributes, ...made].join(" ");
}
