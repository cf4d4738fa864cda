import { structuredPatch } from "diff";

export type Modules = ReadonlyMap<string, string>;

/** A change of text, and the modules that have it. */
export interface Hunk {
  readonly lines: readonly string[];
  readonly modules: string[];
}

/** Lines around a change. */
const CONTEXT = 2;

/** Every change between two sets of modules once, those that most modules have first. */
export function hunksBetween(before: Modules, after: Modules): readonly Hunk[] {
  const hunks = new Map<string, Hunk>();
  for (const path of new Set([...before.keys(), ...after.keys()]))
    for (const lines of changesOf(before.get(path), after.get(path))) {
      const text = lines.join("\n");
      const hunk = hunks.get(text) ?? { lines, modules: [] };
      hunk.modules.push(path);
      hunks.set(text, hunk);
    }
  return [...hunks.values()].sort((a, b) => b.modules.length - a.modules.length);
}

function changesOf(before: string | undefined, after: string | undefined): readonly (readonly string[])[] {
  if (before === undefined) return [["(a new module)"]];
  if (after === undefined) return [["(no longer written)"]];
  if (before === after) return [];
  return structuredPatch("", "", before, after, "", "", { context: CONTEXT }).hunks.map(({ lines }) => lines);
}
