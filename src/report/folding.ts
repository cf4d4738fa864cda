import type { Iteration } from "../ir/graph.ts";
import { starIterations } from "../ir/outline.ts";

/** What a listing folds: rows that say the same in every iteration of a repeat. */
export interface Folded<R> {
  /** The row, its texts with `*` for the iteration's number if it stands for several. */
  readonly row: R;
  readonly count: number;
  /** Which of the rows they are. */
  readonly indices: readonly number[];
  /** `h × 12`; empty for a row that stands for itself. */
  readonly repeats: string;
}

/**
 * Folds rows of equal texts but for the iteration: `h.0.attn` and `h.1.attn` become `h.*.attn`. A row that differs in
 * any other way (the last layer that fuses with the final norm) stays a row of its own.
 */
export function foldRows<R extends Readonly<Record<string, string>>>(
  rows: readonly { readonly row: R; readonly scope: readonly Iteration[] }[],
): readonly Folded<R>[] {
  const star = starIterations(rows.flatMap(({ scope }) => scope.map(({ label }) => label)));
  const groups = new Map<string, { whole: R; row: R; indices: number[]; scope: readonly Iteration[] }>();
  for (const [index, { row, scope }] of rows.entries()) {
    const starred = Object.fromEntries(Object.entries(row).map(([key, text]) => [key, star(text)])) as R;
    const key = JSON.stringify([starred, scope.map(({ label }) => label)]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { whole: row, row: starred, indices: [index], scope });
    else group.indices.push(index);
  }
  return [...groups.values()].map(({ whole, row, indices, scope }) => {
    const count = indices.length;
    if (count === 1) return { row: whole, count, indices, repeats: "" };
    return { row, count, indices, repeats: `${scope.map(({ label }) => label).join(".")} × ${count}` };
  });
}
