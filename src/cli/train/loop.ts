import { setImmediate } from "node:timers/promises";
import { isFiniteStep, type StepReport, type Trainer } from "../../train/trainer.ts";
import { mistakes } from "../run/emitted.ts";
import type { Cadence } from "./numbers.ts";
import type { Interruption } from "./interruption.ts";
import { isEvaluation, type MetricsFile } from "./metrics-file.ts";
import type { Progress } from "./progress.ts";
import { bestOf, showMeasures, showStep } from "./words.ts";

/** What a loop works with. */
export interface Loop {
  readonly trainer: Trainer;
  readonly cadence: Cadence;
  readonly metrics: MetricsFile;
  readonly progress: Progress;
  readonly interruption: Interruption;
  /** Writes a checkpoint of the training as it stands. */
  readonly save: () => Promise<void>;
  /** Writes the weights as they stand, after the best evaluation so far. */
  readonly saveBest: () => Promise<void>;
}

/** How a loop ended. */
export type Ending =
  | { readonly kind: "done" | "interrupted" }
  /** NaN or infinity: the state is of no use. */
  | { readonly kind: "not finite"; readonly report: StepReport };

/**
 * Runs all steps that are left. A checkpoint is written at its times, after the best evaluation so far, at the end, and
 * before an interruption ends it.
 */
export async function runLoop(loop: Loop): Promise<Ending> {
  const { trainer, interruption, metrics } = loop;
  const { steps } = trainer.training.settings;
  const clock = new Clock(metrics.lines.at(-1)?.seconds ?? 0);
  const isDue = checkpointTimes(loop.cadence);
  while (trainer.step < steps) {
    clock.start();
    const report = await mistakes(() => trainer.advance());
    clock.stop();
    if (!isFiniteStep(report)) return { kind: "not finite", report };
    note(loop, report, clock);
    const isLast = report.step === steps;
    const isBest =
      (isLast || report.step % loop.cadence.evaluateEvery === 0) && (await evaluate(loop, clock, isLast));
    const requested = interruption.requested();
    // The best weights are never those of a step that the run would go on from before.
    if (isLast || isBest || requested || isDue(report.step)) {
      metrics.sync();
      await loop.save();
    }
    if (requested && !isLast) return { kind: "interrupted" };
    await setImmediate();
  }
  return { kind: "done" };
}

/** Time spent on steps, and how long a step takes now. */
class Clock {
  seconds: number;
  /** Of the last step. */
  last = 0;
  /** Smoothed, for what is left. */
  typical = 0;
  #started = 0;

  constructor(seconds: number) {
    this.seconds = seconds;
  }

  start(): void {
    this.#started = performance.now();
  }

  stop(): void {
    this.last = (performance.now() - this.#started) / 1000;
    this.seconds += this.last;
    this.typical = this.typical === 0 ? this.last : 0.95 * this.typical + 0.05 * this.last;
  }
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

function note({ trainer, metrics, progress }: Loop, report: StepReport, clock: Clock): void {
  const { batches, settings } = trainer.training;
  const units = batches.size * settings.accumulate;
  const { loss, ...others } = report.measures;
  metrics.add({
    step: report.step,
    loss: loss!,
    ...others,
    gradient_norm: report.gradientNorm,
    lr: report.rate,
    seconds: rounded(clock.seconds),
    [`${batches.unit}_per_second`]: rounded(units / clock.last),
  });
  const left = (settings.steps - report.step) * clock.typical;
  progress.step(report.step, showStep(report, units / clock.typical, batches.unit, left));
}

const rounded = (value: number): number => Number(value.toPrecision(6));

/** Whether it is the best so far, whose weights are kept. The last evaluation reads the whole validation part. */
async function evaluate(loop: Loop, clock: Clock, isLast: boolean): Promise<boolean> {
  const { trainer, metrics, progress, cadence } = loop;
  const limit = isLast ? undefined : cadence.evaluateBatches;
  const validation = await mistakes(() => trainer.evaluate(limit, () => setImmediate()));
  if (validation === undefined) return false;
  const line = {
    step: trainer.step,
    validation,
    batches: limit ?? null,
    seconds: rounded(clock.seconds),
  };
  metrics.add(line);
  const isBest = bestOf(metrics.lines.filter(isEvaluation)) === line;
  if (isBest) await loop.saveBest();
  progress.line(`step ${trainer.step}: validation ${showMeasures(validation)}`);
  return isBest;
}
