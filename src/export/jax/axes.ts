import type { Graph, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { planSharding, type ShardingRole } from "../../sharding/plan.ts";

/** The axes of a mesh that the axes of a parameter are spread over; null for one that is whole on each device. */
export type Axes = readonly ("tensor" | "data" | null)[];

/**
 * By parameter: products of a shared-out edge have a part of their columns or rows each over `tensor`, tables a part of the vocabulary,
 * and what is left of a matrix is spread over `data`, which is gathered as it is used (FSDP).
 */
export function parameterAxes(graph: Graph): ReadonlyMap<Value, Axes> {
  const roles = new Map<string, ShardingRole>(planSharding(graph).flatMap(({ roles }) => [...roles]));
  const axes = new Map<Value, Axes>();
  const tables = new Set<Value>();
  for (const node of graph.nodes) {
    if (node.op === "embedding") tables.add(node.operands.table);
    if (node.op !== "linear") continue;
    const { weight, bias } = node.operands;
    const role = roles.get(node.origin.label);
    const cut: Axes =
      role === "rows" ? ["data", "tensor"] : role === "columns" ? ["tensor", "data"] : ["data", null];
    if (weight.type.shape.length === 2)
      axes.set(weight, node.attrs.layout === "in_out" ? cut.toReversed() : cut);
    if (bias !== undefined) axes.set(bias, [role === "columns" ? "tensor" : null]);
  }
  for (const table of tables) axes.set(table, ["tensor", "data"]);
  for (const node of graph.nodes)
    for (const value of operandValues(node))
      if (!axes.has(value))
        axes.set(
          value,
          value.type.shape.map(() => null),
        );
  return axes;
}
