import { showTable } from "../../../src/cli/table.ts";
import type { Runner, RunnerKind } from "./runner.ts";

export interface Run {
  readonly kind: RunnerKind;
  readonly runner: Runner;
  readonly version: string;
  /** Of each step, by round. */
  readonly ms: (readonly number[])[];
  readonly losses: number[];
}

/** Rounds in which compilers and caches warm up; not in the medians. */
const WARM_UP = 3;

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** The median of a step, and of its ratio to lmg's in the same round: above 1, lmg is faster. */
export function reportTimes(runs: readonly Run[]): string {
  const warm = ({ ms }: Run): number[] => ms.slice(WARM_UP).map(median);
  const [lmg] = runs.map(warm);
  const rows = runs
    .filter(({ kind }) => kind.judge !== true)
    .map((run) => {
      const times = warm(run);
      const ratio = median(times.map((time, round) => time / lmg![round]!));
      return [
        run.kind.name,
        `${run.ms[0]![0]!.toFixed(0)} ms`,
        `${median(times).toFixed(2)} ms`,
        ratio.toPrecision(3),
      ];
    });
  return showTable(["", "first step", "later steps", "ratio"], rows, [1, 2, 3]);
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
