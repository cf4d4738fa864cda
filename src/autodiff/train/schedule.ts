import type { Choice } from "../../lower/train/choices.ts";

/**
 * The learning rate of a step, counted from 0, of `total`. It first rises by equal parts over `warmup` steps, the first
 * of which is not zero (as nanoGPT has it); then the schedule falls from 1 to `floor` times the rate.
 */
export function learningRate(
  schedule: Choice | undefined,
  rate: number,
  step: number,
  total: number,
): number {
  const { warmup = 0, floor = 0, decay = 0 } = (schedule?.options ?? {}) as Readonly<Record<string, number>>;
  if (step < warmup) return (rate * (step + 1)) / (warmup + 1);
  const between = (start: number, end: number): number =>
    Math.min(1, Math.max(0, (step - start) / Math.max(end - start, 1)));
  switch (schedule?.name) {
    case "linear":
      return rate * (1 - (1 - floor) * between(warmup, total));
    case "cosine":
      return rate * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * between(warmup, total)))) / 2);
    case "wsd":
      return rate * (1 - (1 - floor) * between(Math.max(warmup, (1 - decay) * total), total));
    default:
      return rate;
  }
}
