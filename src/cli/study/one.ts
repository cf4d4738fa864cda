import { isRising, reasonWords, SmoothedLoss } from "../../study/early.ts";
import { classLossOf, frequencyLoss } from "../../study/frequencies.ts";
import type { PlannedRun } from "../../study/grid.ts";
import type { TelemetryAlarm } from "../../train/telemetry.ts";
import { finite, RESULT_FORMAT, type Alarm, type RunResult } from "../../study/result.ts";
import { isEvaluation, type StepLine } from "../../train/lines.ts";
import type { Out } from "../out.ts";
import { stop } from "../stop.ts";
import { FORWARD_SHARE } from "../train/clock.ts";
import { writeReport, type EndedRun } from "../train/ending.ts";
import { identityOf } from "../train/identity.ts";
import type { Ending } from "../train/loop.ts";
import { EVALUATION_SHARE, type Cadence } from "../train/numbers.ts";
import type { TrainOptions } from "../train/options.ts";
import type { PreparedTraining } from "../train/prepare.ts";
import { trainInto, type Listeners, type TrainedFolder } from "../train/run.ts";
import { readFirstWeights } from "../train/start.ts";
import { identityHash } from "./folder.ts";
import type { Programs } from "./programs.ts";

/** One run of a study: what is trained, with which options, and where. */
export interface StudyRun {
  readonly run: PlannedRun;
  /** The programs of the study, which runs of one placement share. */
  readonly programs: Programs;
  /** The folder of the run, which is this process's alone. */
  readonly folder: string;
}

/** Trains one run to its end, or goes on with it; undefined if it was interrupted. */
export async function makeRun(
  { run, programs, folder }: StudyRun,
  { out, unread }: Listeners,
): Promise<RunResult | undefined> {
  const quiet = silenced(out);
  const { read, options, makeEngine } = programs.of(run, quiet);
  requireNamed(run, read, options);
  const prepared = {
    ...read,
    // What is compared is of one length, whatever the model says of patience.
    training: { ...read.training, settings: { ...read.training.settings, patience: undefined } },
    cadence: { ...read.cadence, ...rarely(read, options) },
  };
  const watch = watchOf(prepared);
  return trainInto({ folder, prepared, options, watch, makeEngine }, { out: quiet, unread }, (ended) =>
    endOf(run, ended),
  );
}

/** Says nothing and draws no bar: several runs may be made at once. */
const silenced = ({ paint, notePaint, input, lines }: Out): Out => ({
  ...{ paint, notePaint, input, lines },
  write: () => undefined,
  note: () => undefined,
});

/** What decides a run's numbers must be what it was when the run got its name: data may have changed since. */
function requireNamed({ name }: PlannedRun, read: PreparedTraining, options: TrainOptions): void {
  const first = readFirstWeights(read.model, options)?.hash;
  if (name.endsWith(identityHash(identityOf(read, options, first)))) return;
  stop(
    "E868",
    `the data of ${name}, or its first weights, are not what they were when the study began`,
    "put them back, or begin another study with -o",
  );
}

/**
 * A study compares ends: if nothing is said, its runs are evaluated once, and on as many batches as take a tenth of the time of
 * the steps, the same ones for all.
 */
function rarely(
  { training, cadence }: PreparedTraining,
  { evaluateEvery, evaluateBatches }: TrainOptions,
): Partial<Cadence> {
  const { steps, accumulate } = training.settings;
  const affordable = Math.floor((EVALUATION_SHARE * steps * accumulate) / FORWARD_SHARE);
  const last = evaluateBatches === undefined ? Math.max(LEAST_BATCHES, affordable) : cadence.evaluateBatches;
  return {
    ...(evaluateEvery === undefined && { evaluateEvery: steps }),
    ...(last !== undefined && { lastBatches: last }),
  };
}

/** Batches of the evaluation of a very short run: fewer tell nothing. */
const LEAST_BATCHES = 20;

/** Ends a run whose loss rises. One that goes on has its earlier losses in its metrics. */
function watchOf({ model, training }: PreparedTraining): TrainedFolder["watch"] {
  const isCrossEntropy = classLossOf(model.train.graph) !== undefined;
  const { steps } = training.settings;
  const smoothed = new SmoothedLoss();
  let read = 0;
  return (lines) => {
    let step = 0;
    for (const line of lines.slice(read)) {
      if (isEvaluation(line)) continue;
      smoothed.add(line.loss);
      step = line.step;
    }
    read = lines.length;
    return isRising(smoothed, { step, steps, isCrossEntropy }) ? "rising" : undefined;
  };
}

/** What a run came to, and its report; undefined if it goes on later. */
async function endOf(run: PlannedRun, ended: EndedRun): Promise<RunResult | undefined> {
  const { ending, lines, prepared, trainer, alarm } = ended;
  if (ending.kind === "interrupted") return undefined;
  const { steps } = trainer.training.settings;
  const stopped = stopOf(ending, trainer.step);
  await writeReport(
    ended,
    stopped === null ? [] : [`ended after step ${stopped.step} of ${steps}: ${reasonWords[stopped.why]}`],
  );
  const updates = lines.filter((line): line is StepLine => !isEvaluation(line));
  const smoothed = new SmoothedLoss();
  for (const { loss } of updates) smoothed.add(loss);
  const last = lines.findLast(isEvaluation);
  const { batches } = prepared.training;
  const classes = classLossOf(prepared.model.train.graph);
  return {
    format: RESULT_FORMAT,
    ...run,
    steps,
    made: trainer.step,
    stopped,
    loss: { first: finite(smoothed.first), last: finite(smoothed.value) },
    validation: stopped === null ? finite(last?.validation["loss"]) : null,
    frequencies: finite(classes && frequencyLoss(batches, classes, prepared.cadence.lastBatches)),
    alarm: alarm === undefined ? null : alarmOf(alarm),
  };
}

const alarmOf = ({ step, column, direction }: TelemetryAlarm): Alarm => ({
  step,
  edge: column.edge ?? "",
  line: column.line,
  measure: column.measure,
  direction,
});

/** Where a run ended that did not make all of its steps. */
function stopOf(ending: Ending, step: number): RunResult["stopped"] {
  if (ending.kind === "stopped") return { step, why: "rising" };
  return ending.kind === "not finite" ? { step: ending.report.step, why: "not finite" } : null;
}
