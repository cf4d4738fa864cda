import { setImmediate } from "node:timers/promises";
import { withAfter } from "../../run/probe/probe.ts";
import type { ProbedCase, ProbedTraining } from "../../run/probe/probed.ts";
import { isFiniteStep, Trainer } from "../../train/trainer.ts";
import { typescriptEngine } from "../../train/typescript-engine.ts";
import type { Out } from "../out.ts";
import { showProgress } from "../train/progress.ts";
import { showDuration } from "../train/words.ts";
import type { PreparedTraining } from "../train/prepare.ts";
import { orStop } from "../stop.ts";
import type { MeasuredSubject } from "./subject.ts";

/**
 * Trains a form and measures it again. NaN or infinity ends its training and is a result as any other: the last value is
 * kept, and what was measured is that of the parameters as they then are.
 */
export async function trainSubject(
  { meter, found }: MeasuredSubject,
  prepared: PreparedTraining,
  out: Out,
): Promise<ProbedCase> {
  const { settings } = prepared.training;
  const trainer = await Trainer.open(prepared.training, typescriptEngine);
  const progress = showProgress(out, settings.steps, 0);
  try {
    const training = await trainAll(trainer, (done, text) => progress.step(done, text));
    const { state } = await trainer.snapshot();
    return { ...withAfter(found, orStop(await meter(state))), training };
  } finally {
    progress.close();
    trainer.close();
  }
}

/** Batches of the validation part that a form is held to; the same ones for all. */
const VALIDATION_BATCHES = 20;

async function trainAll(
  trainer: Trainer,
  show: (done: number, text: string) => void,
): Promise<ProbedTraining> {
  const { steps } = trainer.training.settings;
  const losses: number[] = [];
  const gradientNorms: number[] = [];
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  while (trainer.step < steps) {
    const report = await trainer.advance();
    if (!isFiniteStep(report)) break;
    const loss = report.measures["loss"]!;
    losses.push(loss);
    gradientNorms.push(report.gradientNorm);
    const left = (seconds() / losses.length) * (steps - losses.length);
    show(losses.length, `loss ${loss.toFixed(4)}, ${showDuration(left)} left`);
    await setImmediate();
  }
  const isWhole = losses.length === steps;
  const trained = seconds();
  const validation = isWhole
    ? await trainer.evaluate(VALIDATION_BATCHES, { between: () => setImmediate() })
    : undefined;
  return { steps, losses, gradientNorms, validation: validation?.["loss"], seconds: trained };
}
