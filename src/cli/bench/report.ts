import { foldRows } from "../../report/folding.ts";
import { stepWords } from "../../plan/names.ts";
import { stepsOf, type Stage } from "../../plan/loops.ts";
import type { StageTraffic } from "../../plan/traffic.ts";
import type { Ceilings } from "../../run/bench/ceilings.ts";
import { limitOf, type Limit } from "../../run/bench/limits.ts";
import type { Samples } from "../../run/bench/measure.ts";
import type { Subject } from "../../run/bench/subject.ts";
import { smallest } from "../../support/lists.ts";
import { showPlace } from "../../support/source.ts";
import { medianOf, spreadOf, type Spread } from "./statistics.ts";

/** What was found of a target. Times are in seconds. */
export interface TargetReport {
  readonly target: string;
  /** Of the CPU; 0 on a device. */
  readonly threads: number;
  readonly run: Spread;
  /** Tokens or rows a second. */
  readonly rate: number;
  /** How many times as long it takes as the first target in the same round. */
  readonly ratio: Spread;
  /** In order, those of a repeat together; none on a device. */
  readonly steps: readonly StepReport[];
}

/** Steps that are one kernel each, and the same in every iteration of a repeat. */
export interface StepReport {
  /** The label of the layer, `*` for the number of a repeat. */
  readonly label: string;
  /** What it computes, op by op. */
  readonly kernel: string;
  /** How many there are. */
  readonly count: number;
  /** Of all of them in a run, as the next ones. */
  readonly seconds: number;
  /** Of the time of all steps. */
  readonly share: number;
  readonly flops: number;
  readonly bytes: number;
  readonly limit: Limit;
}

export interface Timed {
  readonly subject: Subject;
  readonly samples: Samples;
  readonly traffic: readonly StageTraffic[];
  /** Those of as many threads; none on a device. */
  readonly ceilings: Ceilings | undefined;
}

/** What was found of each target, held against the first. */
export function reportsOf(timed: readonly Timed[], units: number): readonly TargetReport[] {
  const byRound = timed.map(({ samples }) => samples.runs.map(medianOf));
  return timed.map(({ subject, samples, traffic, ceilings }, index) => {
    const run = spreadOf(samples.runs.flat());
    return {
      target: subject.target,
      threads: subject.threads,
      run,
      rate: units / run.median,
      ratio: spreadOf(byRound[index]!.map((seconds, round) => seconds / byRound[0]![round]!)),
      steps: ceilings === undefined ? [] : stepReports(subject.stages, samples, traffic, ceilings),
    };
  });
}

function stepReports(
  stages: readonly Stage[],
  samples: Samples,
  traffic: readonly StageTraffic[],
  ceilings: Ceilings,
): readonly StepReport[] {
  // The least, so that no step loses more than what each one has of it.
  const none = smallest(samples.none);
  const seconds = samples.stages.map((times) => Math.max(0, medianOf(times) - none));
  const limits = traffic.map((each) => limitOf(each, ceilings));
  const bytes = traffic.map(({ accesses }) => accesses.reduce((sum, access) => sum + access.bytes, 0));
  const all = seconds.reduce((sum, time) => sum + time, 0);
  const rows = stages.map((stage, index) => {
    const { origin } = stepsOf(stage)[0]!;
    const work = `${traffic[index]!.flops} ${bytes[index]!} ${limits[index]!.by}`;
    return { row: { label: labelOf(stage), kernel: kernelOf(stage), work }, scope: origin.scope };
  });
  return foldRows(rows).map(({ row: { label, kernel }, count, indices }) => {
    const total = (values: readonly number[]): number => indices.reduce((sum, at) => sum + values[at]!, 0);
    const time = total(seconds);
    return {
      label,
      kernel,
      count,
      seconds: time,
      share: time / all,
      flops: total(traffic.map(({ flops }) => flops)),
      bytes: total(bytes),
      limit: { by: limits[indices[0]!]!.by, seconds: total(limits.map((limit) => limit.seconds)) },
    };
  });
}

/** The layer that a stage is of, else its line; of a loop over several the first, and how many more. */
function labelOf(stage: Stage): string {
  const labels = stepsOf(stage).map(({ origin: { label, spans } }) => {
    const span = spans.at(-1);
    return label !== "" || span === undefined ? label : showPlace(span);
  });
  const [first = "", ...more] = new Set(labels);
  return more.length === 0 ? first : `${first} and ${more.length} more`;
}

const kernelOf = (stage: Stage): string => stepsOf(stage).flatMap(stepWords).join(" + ");
