import { showTable } from "../../../src/cli/table.ts";
import type { Place } from "./contenders.ts";
import { median, ratiosTo, spreadOf } from "../statistics.ts";

/** What a contender did in each round. */
export interface Rounds {
  readonly name: string;
  readonly threads: number;
  readonly place: Place;
  /** By round; in what unit, the table says. */
  readonly values: readonly number[];
  readonly bytes?: number | undefined;
}

const digits = (value: number): string =>
  value < 100 ? value.toPrecision(3) : Number(value.toPrecision(3)).toLocaleString("en");

/** A table of Markdown: each by its median, and lmg by each of its place in the same round, with the least and the largest. */
export function rateTable(title: string, rounds: readonly Rounds[]): string {
  const rows = rounds.map(({ name, threads, place, values, bytes }) => {
    const own = rounds.find(
      (each) => each.name === "lmg" && each.threads === threads && each.place === place,
    )!.values;
    const { median: middle, min, max } = spreadOf(ratiosTo(own, values));
    const ratio = name === "lmg" ? "" : `${middle.toFixed(2)} (${min.toFixed(2)} to ${max.toFixed(2)})`;
    const memory = bytes === undefined ? "" : `${Math.round(bytes / 1e6)} MB`;
    return [
      place === "Node" ? name : `${name} in ${place}`,
      String(threads),
      digits(median(values)),
      ratio,
      memory,
    ];
  });
  return showTable([title, "threads", "median", "lmg by it", "memory at most"], rows, [1, 2, 3, 4]);
}
