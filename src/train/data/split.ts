import { Problem } from "../../checkpoint/problem.ts";
import { countOf, showCount } from "../../support/text.ts";

/** What is kept for validation if nothing is said. */
export const DEFAULT_SHARE = 0.1;

/** How many of `count` are kept for validation: a share below 1, of which training gets the whole part, or a number. */
export function partSize(
  validation: number | undefined,
  count: number,
  unit: "token" | "row",
  name: string,
): number | Problem {
  const asked = validation ?? DEFAULT_SHARE;
  if (!(asked >= 0) || (asked >= 1 && !Number.isInteger(asked)))
    return new Problem(
      "E756",
      `validation: expected a share below 1 or a whole number of ${unit}s, found ${asked}`,
    );
  // A share like 0.55 is a little more or less than it says, which must not cost a row.
  const kept = asked < 1 ? count - Math.floor(count * (1 - asked) + 1e-6) : asked;
  if (kept < count) return kept;
  return new Problem(
    "E756",
    `${name}: ${countOf(kept, unit)} for validation would leave none of ${showCount(count)} to train on`,
  );
}

/** At most `limit` of the numbers below `count`, at even distances. */
export function* spread(count: number, limit: number): Iterable<number> {
  const taken = Math.min(count, limit);
  for (let i = 0; i < taken; i++) yield Math.floor((i * count) / taken);
}

/** How many batches some rows or windows are, the last one shorter if it may be. */
export const batchesIn = (count: number, batch: number, onlyWhole: boolean): number =>
  onlyWhole ? Math.floor(count / batch) : Math.ceil(count / batch);
