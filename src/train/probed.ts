import { Problem } from "../checkpoint/problem.ts";
import { withAfter, type MeasuredModel } from "../run/probe/probe.ts";
import type { ProbedCase, ProbedTraining } from "../run/probe/probed.ts";
import { isFiniteStep, Trainer, type Training } from "./trainer.ts";
import { typescriptEngine } from "./typescript-engine.ts";

/** What a caller does while a probed model is trained. */
export interface ProbedHooks {
  /** Sees each step: how many there were, and its loss. */
  readonly onStep?: (done: number, loss: number) => void;
  /** Is awaited after each step and each batch of the evaluation. */
  readonly between?: () => Promise<void>;
}

/**
 * Trains a model that was probed and measures it again. NaN or infinity ends its training and is a result as any other: the
 * last value is kept, and what was measured is that of the parameters as they then are.
 */
export async function trainProbed<Found extends Omit<ProbedCase, "variant" | "depth">>(
  { meter, found }: Pick<MeasuredModel, "meter"> & { readonly found: Found },
  training: Training,
  hooks: ProbedHooks = {},
): Promise<Found | Problem> {
  const trainer = await Trainer.open(training, typescriptEngine);
  try {
    const trained = await trainAll(trainer, hooks);
    const { state } = await trainer.snapshot();
    const after = await meter(state);
    return after instanceof Problem ? after : { ...withAfter(found, after), training: trained };
  } finally {
    trainer.close();
  }
}

/** Batches of the validation part that a form is held to; the same ones for all. */
const VALIDATION_BATCHES = 20;

async function trainAll(trainer: Trainer, { onStep, between }: ProbedHooks): Promise<ProbedTraining> {
  const { steps } = trainer.training.settings;
  const losses: number[] = [];
  const gradientNorms: number[] = [];
  const start = performance.now();
  while (trainer.step < steps) {
    const report = await trainer.advance();
    if (!isFiniteStep(report)) break;
    const loss = report.measures["loss"]!;
    losses.push(loss);
    gradientNorms.push(report.gradientNorm);
    onStep?.(losses.length, loss);
    await between?.();
  }
  const seconds = (performance.now() - start) / 1000;
  const isWhole = losses.length === steps;
  const validation = isWhole
    ? await trainer.evaluate(VALIDATION_BATCHES, between === undefined ? {} : { between })
    : undefined;
  return { steps, losses, gradientNorms, validation: validation?.["loss"], seconds };
}
