import { setImmediate } from "node:timers/promises";
import type { ProbedCase } from "../../run/probe/probed.ts";
import { trainProbed } from "../../train/probed.ts";
import type { Out } from "../out.ts";
import { orStop } from "../stop.ts";
import type { PreparedTraining } from "../train/prepare.ts";
import { showProgress } from "../train/progress.ts";
import { showDuration } from "../train/words.ts";
import type { MeasuredSubject } from "./subject.ts";

/** Trains a form, showing how far it is, and measures it again. */
export async function trainSubject(
  measured: MeasuredSubject,
  { training }: PreparedTraining,
  out: Out,
): Promise<ProbedCase> {
  const { steps } = training.settings;
  const progress = showProgress(out, steps, 0);
  const start = performance.now();
  const onStep = (done: number, loss: number): void => {
    const left = ((performance.now() - start) / 1000 / done) * (steps - done);
    progress.step(done, `loss ${loss.toFixed(4)}, ${showDuration(left)} left`);
  };
  try {
    return orStop(await trainProbed(measured, training, { onStep, between: () => setImmediate() }));
  } finally {
    progress.close();
  }
}
