import { largest } from "../../support/lists.ts";
import type { Graph, Node } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { hasTrait } from "../../ops/table.ts";
import { planSharding, type ShardingRole } from "../../sharding/plan.ts";
import { folded } from "../torch/recipe.ts";

/** What transformers calls the parts of a product that devices have. */
const styles: Readonly<Partial<Record<ShardingRole, string>>> = { columns: "colwise", rows: "rowwise" };

/**
 * `layers.*.self_attn.q_proj`: "colwise", for each product of an edge that is shared out, by names in the stack's class. Its styles
 * cut the first axis of a weight for the columns: an edge with a weight [in, out] stays whole.
 */
export function parallelPlan(
  graph: Graph,
  prefix: string | undefined,
): readonly (readonly [string, string])[] {
  const turned = new Set(
    graph.nodes.flatMap((node) =>
      node.op === "linear" && node.attrs.layout === "in_out" ? [node.origin.label] : [],
    ),
  );
  const cut = prefix === undefined ? "" : `${prefix}.`;
  const rows = planSharding(graph).flatMap(({ roles, edge }) =>
    [...roles.keys()].some((label) => turned.has(label))
      ? []
      : [
          ...[...roles].flatMap(([label, role]) => {
            const style = styles[role];
            return style === undefined || !label.startsWith(cut)
              ? []
              : [[label.slice(cut.length), style] as const];
          }),
          ...headNorms(graph, edge.name).flatMap((label) =>
            label.startsWith(cut) && roles.size > 0
              ? [[label.slice(cut.length), "replicated_with_grad_allreduce"] as const]
              : [],
          ),
        ],
  );
  const counted = new Map<string, number>();
  for (const [name] of rows) counted.set(starless(name), (counted.get(starless(name)) ?? 0) + 1);
  const most = largest([0, ...counted.values()]);
  // A pattern stands for all layers: what some of them keep whole has none.
  return folded(rows.filter(([name]) => counted.get(starless(name)) === most));
}

const starless = (name: string): string => name.replace(/\d+/g, "*");

/** Norms of each head within an edge: whole on each device, by a part of the heads. */
function headNorms({ nodes, edges }: Graph, name: string): readonly string[] {
  const scope = edges.find((each) => each.name === name);
  const isOf = (node: Node): boolean =>
    scope !== undefined && JSON.stringify(node.origin.scope) === JSON.stringify(scope.scope);
  return nodes.flatMap((node) =>
    hasTrait(node.op, "row_norm") &&
    node.results[0]!.type.shape.length === 4 &&
    operandValues(node).length > 1 &&
    isOf(node)
      ? [node.origin.label]
      : [],
  );
}
