import { plural } from "../support/text.ts";
import { positionAt } from "../support/source.ts";
import { shardingRefusals, type EdgeSharding, type ShardingRole } from "../sharding/plan.ts";

const star = (label: string): string => label.replace(/(^|\.)\d+(?=[. ]|$)/g, "$1*");

/** What `lmg edges --shard` says of an edge, without its number in a repeat. */
function describe({ edge, roles, sizes, refused }: EdgeSharding, devices: number): string {
  const line = edge.span === undefined ? "" : `line ${positionAt(edge.span.source, edge.span.start).line}  `;
  const head = `${line}${star(edge.name)}`;
  if (refused !== undefined) {
    const by = refused.by === "" ? "" : `${star(refused.by)}: `;
    return `${head}\n    whole on each device: ${by}${shardingRefusals[refused.reason]}`;
  }
  const of = (role: string): string =>
    [...roles].flatMap(([label, own]) => (own === role ? [star(label)] : [])).join(", ");
  const lines = (["norm", "columns", "heads", "rows", "out"] satisfies ShardingRole[]).flatMap((role) =>
    of(role) === "" ? [] : [`    ${role.padEnd(8)}${of(role)}`],
  );
  const odd = sizes.filter(({ size }) => size % devices !== 0).map(({ what, size }) => `${size} ${what}`);
  const fits = odd.length === 0 ? [] : [`    does not divide by ${devices}: ${odd.join(", ")}`];
  return [head, ...lines, ...fits].join("\n");
}

/** Every edge's share for so many devices; those of a repeat that are alike are one. */
export function showSharding(plans: readonly EdgeSharding[], devices: number): string {
  const counts = new Map<string, number>();
  for (const plan of plans) {
    const text = describe(plan, devices);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const texts = [...counts].map(([text, count]) => {
    const [head = "", ...rest] = text.split("\n");
    return [count === 1 ? head : `${head} (× ${count})`, ...rest, ""].join("\n");
  });
  const shared = plans.filter((plan) => isShared(plan, devices)).length;
  return `${texts.join("")}${plural(plans.length, "residual edge")}, ${shared} shared out among ${devices} devices\n`;
}

export const isShared = ({ refused, sizes }: EdgeSharding, devices: number): boolean =>
  refused === undefined && sizes.every(({ size }) => size % devices === 0);

/** The same for programs. */
export const shardingRecords = (plans: readonly EdgeSharding[], devices: number): readonly object[] =>
  plans.map((plan) => ({
    edge: plan.edge.name,
    shared: isShared(plan, devices),
    roles: Object.fromEntries(plan.roles),
    sizes: plan.sizes.map(({ what, size }) => ({ what, size, divides: size % devices === 0 })),
    refused: plan.refused === undefined ? null : plan.refused.reason,
  }));
