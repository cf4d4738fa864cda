import type { Code } from "../../support/text.ts";

/** What several kernels call, or the functions around them. */
export interface Helper {
  /** Names of other helpers that it calls. */
  readonly uses?: readonly string[];
  /** What it declares beside the name that it has in its table. */
  readonly declares?: readonly string[];
  readonly code: readonly Code[];
}

/** The helpers of these names and those that they use, in the order of the table. */
export function withUsed<Name extends string>(
  table: Readonly<Record<Name, Helper>>,
  names: Iterable<Name>,
): Name[] {
  const needed = new Set<Name>();
  const visit = (name: Name): void => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const used of table[name].uses ?? []) visit(used as Name);
  };
  for (const name of names) visit(name);
  return (Object.keys(table) as Name[]).filter((name) => needed.has(name));
}

/** Their code, and that of those that they use. */
export const partsFor = <Name extends string>(
  table: Readonly<Record<Name, Helper>>,
  names: Iterable<Name>,
): (readonly Code[])[] => withUsed(table, names).map((name) => table[name].code);

/** All names that helpers of a table declare, if a module has them. */
export const declaredIn = (table: Readonly<Record<string, Helper>>): string[] =>
  Object.entries(table).flatMap(([name, { declares = [] }]) => [name, ...declares]);
