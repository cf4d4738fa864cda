import type { Graph, Node, NodeOf, Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { constantDim } from "../tensor/dim.ts";

/** Each device has some rows of a table that tokens look up, or some columns of the product that scores all tokens. */
export type TableRole = "table" | "scores";

/**
 * The table of the vocabulary and the product with as many columns, by the names of their parameters without `.weight`: each device
 * can have some of the tokens, as many as others or one less, and what it finds is added up or gathered (Shoeybi et al. 2019,
 * section 3). A product with the table itself needs no role of its own. Tables with fewer rows stay whole: types, positions.
 */
export function planTables(graph: Graph): ReadonlyMap<string, TableRole> {
  const readers = new Map<Value, Node[]>();
  for (const node of graph.nodes)
    for (const value of operandValues(node)) {
      const known = readers.get(value);
      if (known === undefined) readers.set(value, [node]);
      else known.push(node);
    }
  const inputs = new Set(graph.inputs.map(({ value }) => value));
  const rowsOf = (value: Value): number => constantDim(value.type.shape[0]!) ?? 0;
  const owned = graph.parameters.filter(({ name }) => name.endsWith(".weight"));
  const tables = owned.filter(({ value }) =>
    (readers.get(value) ?? []).some((node) => node.op === "embedding" && inputs.has(node.operands.ids)),
  );
  const most = tables.reduce((size, { value }) => Math.max(size, rowsOf(value)), 0);
  const roles = new Map<string, TableRole>();
  for (const { name, value } of owned) {
    const own = readers.get(value) ?? [];
    const isTable = tables.some((each) => each.value === value) && rowsOf(value) === most;
    if (isTable && own.every((node) => looksUp(node, value) || scores(node, value)))
      roles.set(base(name), "table");
    const [reader] = own;
    const isScores = most > 0 && own.length === 1 && reader!.origin.scope.length === 0;
    if (isScores && scores(reader!, value) && columnsOf(reader as NodeOf<"linear">) === most)
      roles.set(base(name), "scores");
  }
  return roles;
}

const base = (name: string): string => name.slice(0, -".weight".length);

const looksUp = (node: Node, table: Value): boolean =>
  node.op === "embedding" && node.operands.table === table;

const scores = (node: Node, weight: Value): boolean =>
  node.op === "linear" && node.operands.weight === weight;

const columnsOf = (node: NodeOf<"linear">): number | undefined =>
  constantDim(node.results[0]!.type.shape.at(-1)!);
