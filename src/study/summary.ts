import { largest } from "../support/lists.ts";
import { learnedNothing } from "./frequencies.ts";
import { ratesOf, type PlannedRun } from "./grid.ts";
import type { RunResult } from "./result.ts";

/** A mean over seeds. */
export interface Spread {
  readonly mean: number;
  /** The standard deviation of a sample, by n - 1; null of one. */
  readonly deviation: number | null;
  readonly n: number;
}

/** The runs of one placement at one rate. */
export interface RatePoint {
  readonly rate: number;
  /** Of the runs that ended with their last step; null if none did. */
  readonly validation: Spread | null;
  /** Runs that ended early: they count as the worst. */
  readonly stopped: number;
  /** Of those that ended with their last step, how many learned no more than frequencies. */
  readonly unlearned: number;
}

/** One placement of a study: one choice of a value for each axis. */
export interface SummaryRow {
  readonly set: Readonly<Record<string, string>>;
  /** Over the rates, the smallest first. */
  readonly curve: readonly RatePoint[];
  /** Where the least runs stopped and then the mean is least; null if every run stopped. */
  readonly best: RatePoint | null;
  /** From the first value of the first axis at the same others, each at its own best rate, over the seeds that both have. */
  readonly difference: Spread | null;
  /** Runs that are made, and that the study has. */
  readonly made: number;
  readonly planned: number;
  readonly stopped: number;
  /** True if the best rate brought no more than the frequencies of the targets. */
  readonly learnedNothing: boolean;
  /** In the unit of the loss; null with one rate. */
  readonly sensitivity: number | null;
  /** The best rate lies within a factor of two of an end of the grid: a better one may lie beyond. */
  readonly edge: "low" | "high" | null;
}

export interface Summary {
  /** Names of the axes, in the order of the study. The first is what rows are compared by. */
  readonly axes: readonly string[];
  readonly steps: number;
  readonly seeds: readonly number[];
  readonly rates: readonly number[];
  /** The loss of the targets' frequencies alone; null if it is not known. */
  readonly frequencies: number | null;
  readonly rows: readonly SummaryRow[];
}

/** The table of a study, of the runs that are made so far. */
export function summarize(
  axes: readonly string[],
  runs: readonly PlannedRun[],
  results: readonly RunResult[],
): Summary {
  const byKey = new Map<string, { set: PlannedRun["set"]; planned: number; results: RunResult[] }>();
  const groupOf = (set: PlannedRun["set"]) => {
    const key = keyOf(axes, set);
    const found = byKey.get(key) ?? { set, planned: 0, results: [] };
    byKey.set(key, found);
    return found;
  };
  for (const { set } of runs) groupOf(set).planned++;
  for (const result of results) groupOf(result.set).results.push(result);
  const rates = ratesOf(runs);
  const groups = [...byKey.values()].map((group) => ({ ...group, ...choiceOf(group.results) }));
  const [compared] = axes;
  const base = compared === undefined ? undefined : groups[0]?.set[compared];
  const rows = groups.map(({ set, planned, results: own, curve, best }): SummaryRow => {
    const first =
      compared === undefined || base === undefined
        ? undefined
        : groups.find((other) => keyOf(axes, other.set) === keyOf(axes, { ...set, [compared]: base }));
    const isBase = first === undefined || first.set === set;
    return {
      set,
      curve,
      best,
      difference:
        isBase || best === null || first.best === null
          ? null
          : pairedDifference(at(own, best.rate), at(first.results, first.best.rate)),
      made: own.length,
      planned,
      stopped: own.filter(({ stopped }) => stopped !== null).length,
      learnedNothing: best !== null && best.unlearned > 0 && best.unlearned === best.validation?.n,
      sensitivity: curve.length < 2 ? null : sensitivityOf(own, best),
      edge: best === null || curve.length < 2 ? null : edgeOf(best.rate, rates),
    };
  });
  return {
    axes,
    steps: largest(
      results.map(({ steps }) => steps),
      0,
    ),
    seeds: [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b),
    rates,
    frequencies: results.find(({ frequencies }) => frequencies !== null)?.frequencies ?? null,
    rows,
  };
}

const keyOf = (axes: readonly string[], set: PlannedRun["set"]): string =>
  JSON.stringify(axes.map((axis) => set[axis]));

const at = (results: readonly RunResult[], rate: number): readonly RunResult[] =>
  results.filter((result) => result.rate === rate);

/** The curve over the rates, and its best point. */
function choiceOf(results: readonly RunResult[]): {
  readonly curve: readonly RatePoint[];
  readonly best: RatePoint | null;
} {
  const curve = ratesOf(results).map((rate): RatePoint => {
    const runs = at(results, rate);
    return {
      rate,
      validation: spreadOf(runs.flatMap(({ validation }) => (validation === null ? [] : [validation]))),
      stopped: runs.filter(({ stopped }) => stopped !== null).length,
      unlearned: runs.filter(({ validation, frequencies }) => learnedNothing(validation, frequencies)).length,
    };
  });
  const finished = curve.filter(({ validation }) => validation !== null);
  const [best = null] = finished.toSorted(
    (a, b) => a.stopped - b.stopped || a.validation!.mean - b.validation!.mean,
  );
  return { curve, best };
}

/** Null of no numbers. */
export function spreadOf(values: readonly number[]): Spread | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: n === 1 ? null : Math.sqrt(squares / (n - 1)), n };
}

/** By seed: weights of one name and seed begin alike, and the batches are the same, so that much of the noise cancels. */
function pairedDifference(own: readonly RunResult[], first: readonly RunResult[]): Spread | null {
  const bySeed = new Map(first.map(({ seed, validation }) => [seed, validation]));
  return spreadOf(
    own.flatMap(({ seed, validation }) => {
      const other = bySeed.get(seed) ?? null;
      return validation === null || other === null ? [] : [validation - other];
    }),
  );
}

/**
 * How much a rate that is not the best costs: the mean over the rates of min(loss at the rate, loss at first) - loss at the
 * best (Wortsman et al. 2023, "Small-scale proxies for large-scale Transformer training instabilities", section 2.2). A
 * run that stopped counts with its first loss.
 */
function sensitivityOf(results: readonly RunResult[], best: RatePoint | null): number | null {
  if (best?.validation == null) return null;
  const least = best.validation.mean;
  const costs = ratesOf(results).map((rate) => {
    const losses = at(results, rate).map(({ validation, loss }) =>
      Math.min(validation ?? Infinity, loss.first ?? Infinity),
    );
    return spreadOf(losses)!.mean - least;
  });
  return spreadOf(costs)!.mean;
}

/** A factor of two of an end, and the end itself. */
function edgeOf(rate: number, rates: readonly number[]): SummaryRow["edge"] {
  const [low, high] = [rates[0]!, rates.at(-1)!];
  if (rate >= high / 2) return "high";
  return rate <= low * 2 ? "low" : null;
}

/** A line a run, for programs that read tables. */
export function summaryCsv(axes: readonly string[], results: readonly RunResult[]): string {
  const heads = [
    ...axes,
    ...["rate", "seed", "steps", "made", "validation", "loss_first", "loss_last", "frequencies"],
    ...["stopped", "stopped_at", "learned_nothing", "alarm_step", "alarm_edge", "alarm_measure", "run"],
  ];
  const lines = results.map(({ set, rate, seed, steps, made, validation, loss, stopped, alarm, ...more }) => [
    ...axes.map((axis) => set[axis] ?? ""),
    ...[rate, seed, steps, made, validation, loss.first, loss.last, more.frequencies],
    ...[stopped?.why, stopped?.step, learnedNothing(validation, more.frequencies)],
    ...[alarm?.step, alarm?.edge, alarm && `${alarm.measure} ${alarm.direction}`, more.name],
  ]);
  return csvOf([heads, ...lines]);
}

/** Rows as RFC 4180 has them, but lines end as in all other files. */
export const csvOf = (rows: readonly (readonly (string | number | boolean | null | undefined)[])[]): string =>
  rows.map((row) => `${row.map((cell) => csvCell(String(cell ?? ""))).join(",")}\n`).join("");

const csvCell = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
