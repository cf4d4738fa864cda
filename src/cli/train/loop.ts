import { setImmediate } from "node:timers/promises";
import { isFiniteStep, type StepReport, type Trainer } from "../../train/trainer.ts";
import { attempt } from "../../run/attempt.ts";
import { showCount } from "../numbers.ts";
import { Clock, type Remaining } from "./clock.ts";
import type { Cadence } from "./numbers.ts";
import type { Interruption } from "./interruption.ts";
import {
  bestOf,
  evaluationsSinceBest,
  isEvaluation,
  rounded,
  stepLine,
  type MetricsLine,
} from "../../train/lines.ts";
import type { MetricsFile } from "./metrics-file.ts";
import type { TelemetryFile } from "./telemetry-file.ts";
import type { TextSample } from "../../train/samples.ts";
import { alarmWords } from "../../train/telemetry.ts";
import type { Progress } from "./progress.ts";
import { orStop } from "../stop.ts";
import { showMeasures, showSample, showStep } from "./words.ts";

/** What a loop works with. */
export interface Loop {
  readonly trainer: Trainer;
  readonly cadence: Cadence;
  readonly metrics: MetricsFile;
  /** Undefined where nothing is observed. */
  readonly telemetry: TelemetryFile | undefined;
  readonly progress: Progress;
  readonly interruption: Interruption;
  /** Writes a checkpoint of the training as it stands. */
  readonly save: () => Promise<void>;
  /** Writes the weights as they stand, after the best evaluation so far. */
  readonly saveBest: () => Promise<void>;
  /** Has the model write a text as it stands; undefined where none are asked for. */
  readonly sample: (() => Promise<TextSample>) | undefined;
  /** Looks at the metrics after each update; a text ends the run and says why. */
  readonly watch?: ((lines: readonly MetricsLine[]) => string | undefined) | undefined;
}

/** How a loop ended, and how long the run took in all. */
export type Ending = { readonly seconds: number } & (
  | { readonly kind: "done" | "interrupted" }
  /** Before its last step: evaluations made the loss no smaller for as long as was to be waited. */
  | { readonly kind: "impatient" }
  /** By who watched it: the state is good. */
  | { readonly kind: "stopped"; readonly why: string }
  /** NaN or infinity: the state is of no use. */
  | { readonly kind: "not finite"; readonly report: StepReport }
);

/**
 * Runs all steps that are left. A checkpoint is written at its times, after the best evaluation so far, at the end, and
 * before an interruption ends it.
 */
export async function runLoop(loop: Loop): Promise<Ending> {
  const { trainer, interruption, metrics } = loop;
  const { steps } = trainer.training.settings;
  const clock = new Clock(metrics.lines.at(-1)?.seconds ?? 0, trainer.training.settings.accumulate);
  const isDue = checkpointTimes(loop.cadence);
  let isOver = isPatienceOver(loop);
  while (trainer.step < steps && !isOver) {
    const report = orStop(await attempt(() => clock.time("step", () => trainer.advance())));
    observeStep(loop, report);
    if (!isFiniteStep(report)) return { kind: "not finite", report, seconds: clock.seconds };
    note(loop, report, clock);
    const why = loop.watch?.(metrics.lines);
    if (why !== undefined) {
      await keep(loop);
      return { kind: "stopped", why, seconds: clock.seconds };
    }
    const isLast = report.step === steps;
    const isEvaluated = isLast || report.step % loop.cadence.evaluateEvery === 0;
    const isBest = isEvaluated && (await evaluate(loop, clock, isLast));
    isOver = isEvaluated && !isLast && isPatienceOver(loop);
    const requested = interruption.requested();
    // The best weights are never those of a step that the run would go on from before.
    if (isLast || isOver || isBest || requested || isDue(report.step)) {
      await keep(loop);
    }
    if (requested && !isLast && !isOver) return { kind: "interrupted", seconds: clock.seconds };
    await setImmediate();
  }
  return { kind: trainer.step < steps ? "impatient" : "done", seconds: clock.seconds };
}

/** By what metrics.jsonl says alone, so that a run that goes on ends where one that was never put down does. */
function isPatienceOver({ trainer, metrics }: Loop): boolean {
  const { patience = Infinity } = trainer.training.settings;
  return evaluationsSinceBest(metrics.lines.filter(isEvaluation)) >= patience;
}

/** Writes a checkpoint, behind the lines and rows that lead to it. */
async function keep({ metrics, telemetry, save }: Loop): Promise<void> {
  metrics.sync();
  telemetry?.sync();
  await save();
}

function observeStep({ telemetry, progress }: Loop, { step, observed }: StepReport): void {
  const alarm = observed && telemetry?.add(step, observed);
  if (alarm !== undefined) progress.line(alarmWords(alarm));
}

/** Whether a checkpoint is due after a step. */
function checkpointTimes({ checkpointEvery }: Cadence): (step: number) => boolean {
  if ("steps" in checkpointEvery) return (step) => step % checkpointEvery.steps === 0;
  let last = performance.now();
  return () => {
    const now = performance.now();
    if (now - last < 1000 * checkpointEvery.seconds) return false;
    last = now;
    return true;
  };
}

function note(loop: Loop, report: StepReport, clock: Clock): void {
  const { trainer, metrics, progress } = loop;
  const { batches } = trainer.training;
  metrics.add(stepLine(report, { seconds: clock.seconds, taken: clock.sinceLastStep(), unit: batches.unit }));
  const left = clock.left(remaining(loop));
  progress.step(report.step, showStep(report, report.units / clock.perStep, batches.unit, left));
}

/** The steps and the batches of evaluations that are still to come. */
function remaining({ trainer, cadence }: Loop): Remaining {
  const { batches, settings } = trainer.training;
  const { step } = trainer;
  const inAll = (until: number): number => Math.floor(until / cadence.evaluateEvery);
  const evaluations = inAll(settings.steps - 1) - inAll(step);
  const most = (count: number | undefined): number => Math.min(count ?? Infinity, batches.validationBatches);
  const last = most(cadence.lastBatches);
  return { steps: settings.steps - step, batches: evaluations * most(cadence.evaluateBatches) + last };
}

/** Whether it is the best so far, whose weights are kept. The last evaluation reads the whole validation part, if nothing else is said. */
async function evaluate(loop: Loop, clock: Clock, isLast: boolean): Promise<boolean> {
  const { trainer, metrics, progress, cadence } = loop;
  const limit = isLast ? cadence.lastBatches : cadence.evaluateBatches;
  const count = Math.min(limit ?? Infinity, trainer.training.batches.validationBatches);
  let read = 0;
  const between = async (): Promise<void> => {
    read++;
    progress.step(trainer.step, `evaluating, ${showCount(read)} of ${showCount(count)} batches`);
    await setImmediate();
  };
  const timed = <T>(work: () => Promise<T>): Promise<T> => clock.time("evaluation", work);
  const validation = orStop(await attempt(() => trainer.evaluate(limit, { between, timed })));
  if (validation === undefined) return false;
  const sample = Number.isFinite(validation["loss"]) ? await sampled(loop, isLast) : undefined;
  const line = {
    step: trainer.step,
    validation,
    batches: limit ?? null,
    seconds: rounded(clock.seconds),
    ...(sample && { sample }),
  };
  metrics.add(line);
  const isBest = bestOf(metrics.lines.filter(isEvaluation)) === line;
  if (isBest) await loop.saveBest();
  progress.line(`step ${trainer.step}: validation ${showMeasures(validation)}`);
  if (sample !== undefined) progress.line(showSample(sample));
  return isBest;
}

/** The text of the evaluation that is to be noted next, if it has one. */
async function sampled({ sample, metrics, cadence }: Loop, isLast: boolean): Promise<TextSample | undefined> {
  const number = metrics.lines.filter(isEvaluation).length + 1;
  if (sample === undefined || !(isLast || number % cadence.sampleEvery === 0)) return undefined;
  return orStop(await attempt(sample));
}
