import { showTable } from "../../../src/cli/table.ts";
import { median, quantile, ratiosTo } from "../statistics.ts";
import type { Runner, RunnerKind } from "./runner.ts";

export interface Run {
  readonly kind: RunnerKind;
  readonly runner: Runner;
  readonly version: string;
  /** Of each step, by round. */
  readonly ms: (readonly number[])[];
  /** Of all threads, a step, by round. */
  readonly cpu: number[];
  readonly losses: number[];
}

/** Rounds in which compilers and caches warm up; not in the medians. */
export const WARM_UP = 3;

/**
 * Of a step: the median, what a tenth stays below, and the time on processors, which others on the machine do not change.
 * Ratios are the medians of those to lmg in the same round: above 1, lmg takes less.
 */
export function reportTimes(runs: readonly Run[]): string {
  const times = ({ ms }: Run): number[] => ms.slice(WARM_UP).map(median);
  const cpu = (run: Run): number[] => run.cpu.slice(WARM_UP);
  const ratio = (run: Run, of: (run: Run) => readonly number[]): string => {
    return median(ratiosTo(of(run), of(runs[0]!))).toPrecision(3);
  };
  const show = (ms: number): string => `${ms.toFixed(2)} ms`;
  const rows = runs
    .filter(({ kind }) => kind.judge !== true)
    .map((run) => [
      run.kind.name,
      `${run.ms[0]![0]!.toFixed(0)} ms`,
      show(median(times(run))),
      show(quantile(run.ms.slice(WARM_UP).flat(), 0.1)),
      ratio(run, times),
      show(median(cpu(run))),
      ratio(run, cpu),
    ]);
  const heads = ["", "first step", "median", "fastest tenth", "ratio", "processors", "ratio"];
  return showTable(heads, rows, [1, 2, 3, 4, 5, 6]);
}

const MARKS = [1, 2, 5, 10, 20, 50, 100, 200];

/** Float32 rounds to 6e-8, and a loss is the mean over a batch of sums of hundreds of products. */
const FIRST_STEP = 1e-6;

/**
 * How far each run's loss has been from that of the float64 run (from lmg's, if there is none) up to a step. Throws if
 * they differ at the first: then they do not train the same model.
 */
export function reportLosses(runs: readonly Run[]): string {
  const judge = runs.find(({ kind }) => kind.judge === true) ?? runs[0]!;
  const steps = MARKS.filter((step) => step <= judge.losses.length);
  const most = (losses: readonly number[], step: number): number =>
    losses
      .slice(0, step)
      .reduce((largest, loss, index) => Math.max(largest, Math.abs(loss - judge.losses[index]!)), 0);
  for (const { kind, losses } of runs)
    if (!(most(losses, 1) < FIRST_STEP * judge.losses[0]!))
      throw new Error(
        `${kind.name} computes something else: ${losses[0]!} where ${judge.losses[0]!} is right`,
      );
  const rows = runs
    .filter((run) => run !== judge)
    .map(({ kind, losses }) => [kind.name, ...steps.map((step) => most(losses, step).toExponential(1))]);
  const loss = [`loss of ${judge.kind.name}`, ...steps.map((step) => judge.losses[step - 1]!.toFixed(6))];
  const heads = ["largest difference up to step", ...steps.map(String)];
  return showTable(
    heads,
    [loss, ...rows],
    steps.map((_, index) => index + 1),
  );
}
