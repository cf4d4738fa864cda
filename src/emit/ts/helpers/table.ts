import type { Code } from "../../../support/text.ts";
import { mathHelpers } from "./math.ts";
import { productHelpers } from "./product.ts";
import { trainingHelpers } from "./training.ts";

/** A function that several kernels call. */
export interface Helper {
  readonly uses?: readonly string[];
  readonly code: readonly Code[];
}

/** In the order in which a module has them. */
export const helpers = { ...mathHelpers, ...productHelpers, ...trainingHelpers } as const satisfies Readonly<
  Record<string, Helper>
>;

export type HelperName = keyof typeof helpers;

/** The helpers and those that they use, in the order of the table. */
export function helpersFor(names: Iterable<HelperName>): HelperName[] {
  const needed = new Set<string>();
  const visit = (name: string): void => {
    if (needed.has(name)) return;
    needed.add(name);
    const helper: Helper = helpers[name as HelperName];
    for (const used of helper.uses ?? []) visit(used);
  };
  for (const name of names) visit(name);
  return (Object.keys(helpers) as HelperName[]).filter((name) => needed.has(name));
}
