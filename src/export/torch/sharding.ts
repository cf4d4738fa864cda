import type { Graph, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isLoop, type Rolled } from "../../ir/roll/rolled.ts";
import { planSharding, type EdgeSharding, type ShardedSize } from "../../sharding/plan.ts";
import { sharesPositions } from "../../sharding/positions.ts";
import { planTables } from "../../sharding/tables.ts";
import { text } from "./python.ts";
import { folded } from "./recipe.ts";

/**
 * What train.py shares out among the processes of `--tensor`: the roles of modules, the sizes that must divide, and the repeats whose
 * stream is shared out by positions. `extra`: what the loss reads beside the model's outputs.
 */
export function shardingLines(graph: Graph, rolled: Rolled, extra: readonly Value[]): readonly string[] {
  const names = new Set(graph.parameters.map(({ name }) => name));
  const isModule = (name: string): boolean => names.has(`${name}.weight`);
  const plans = planSharding(graph).map((plan) => (isWritten(plan, isModule, extra) ? plan : left(plan)));
  const roles = [...rolesOf(graph, plans, isModule), ...planTables(graph)].map(
    ([name, role]) => [name, typeof role === "string" ? text(role) : `("heads", ${role})`] as const,
  );
  const repeats = rolled.parts.flatMap((part) =>
    isLoop(part) && sharesPositions(part, plans) ? [part.label] : [],
  );
  return [
    "# What each process of `--tensor` has of a layer: columns, rows, heads (and their axis), tokens of the vocabulary.",
    ...(roles.length === 0
      ? ["TENSOR_PARALLEL = {}"]
      : ["TENSOR_PARALLEL = {", ...folded(roles).map(([name, role]) => `    ${text(name)}: ${role},`), "}"]),
    "",
    "# What must divide by their number.",
    `TENSOR_SIZES = [${sizesOf(plans).map(sizeText).join(", ")}]`,
    "",
    "# Between the branches of these, each process has a part of the positions.",
    `SEQUENCE_PARALLEL = [${repeats.map(text).join(", ")}]`,
  ];
}

const sizeText = ({ size, what }: ShardedSize): string => `(${size}, ${text(what)})`;

const left = (plan: EdgeSharding): EdgeSharding => ({
  ...plan,
  roles: new Map(),
  axes: new Map(),
  branch: new Set(),
  sizes: [],
  refused: plan.refused ?? { reason: "weight", by: "" },
});

/** Whether its products are modules, which alone can have parts, and the loss reads none of what devices have parts of. */
function isWritten(
  { refused, roles, shared }: EdgeSharding,
  isModule: (name: string) => boolean,
  extra: readonly Value[],
): boolean {
  const products = [...roles].filter(([, role]) => role === "columns" || role === "rows");
  return (
    refused === undefined &&
    products.every(([name]) => isModule(name)) &&
    !extra.some((value) => shared.has(value))
  );
}

/** Of the modules; a norm before a branch has one only where all that read it are branches that are shared out. */
function rolesOf(
  graph: Graph,
  plans: readonly EdgeSharding[],
  isModule: (name: string) => boolean,
): ReadonlyMap<string, string | number> {
  const inBranches = new Set(plans.flatMap(({ branch }) => [...branch]));
  const elsewhere = new Set(graph.nodes.flatMap((node) => (inBranches.has(node) ? [] : operandValues(node))));
  for (const { value } of graph.outputs) elsewhere.add(value);
  const parameters = new Map(graph.parameters.map(({ value, name }) => [value, name]));
  const open = new Set(
    [...inBranches].flatMap((node) =>
      elsewhere.has(node.results[0]!) ? operandValues(node).map((value) => parameters.get(value)) : [],
    ),
  );
  const roles = new Map<string, string | number>();
  for (const plan of plans)
    for (const [name, role] of plan.roles)
      if (isModule(name) && !(role === "norm" && open.has(`${name}.weight`)))
        roles.set(name, role === "heads" ? plan.axes.get(name)! : role);
  return roles;
}

/** Each once, however many edges have it. */
function sizesOf(plans: readonly EdgeSharding[]): readonly ShardedSize[] {
  const found = new Map(
    plans.flatMap(({ sizes }) => sizes.map((each) => [`${each.size} ${each.what}`, each] as const)),
  );
  return [...found.values()];
}
