/** What a loop spends its time on, besides what a checkpoint or a report costs. */
export type Activity = "step" | "evaluation";

/** What is still to come: updates, and batches of evaluations. */
export interface Remaining {
  readonly steps: number;
  readonly batches: number;
}

/** A batch of an evaluation takes about a third of a training batch: a forward pass, of forward and twice as much backward. */
export const FORWARD_SHARE = 1 / 3;

/**
 * The time of a run, all of it: steps, evaluations, checkpoints, and what passed in processes before this one. Counts in
 * seconds.
 */
export class Clock {
  readonly #before: number;
  readonly #began: number;
  readonly #now: () => number;
  readonly #spent: Record<Activity, number> = { step: 0, evaluation: 0 };
  readonly #done: Record<Activity, number> = { step: 0, evaluation: 0 };
  readonly #batchesOfStep: number;
  #lastStep: number;
  #typicalStep = 0;

  /** `before` is what the run took so far, `batchesOfStep` how many batches an update reads. */
  constructor(before: number, batchesOfStep: number, now: () => number = () => performance.now() / 1000) {
    this.#before = before;
    this.#batchesOfStep = batchesOfStep;
    this.#now = now;
    this.#began = now();
    this.#lastStep = this.#began;
  }

  /** Of the run so far. */
  get seconds(): number {
    return this.#before + this.#now() - this.#began;
  }

  /** Does one unit of an activity: an update, or a batch of an evaluation. */
  async time<T>(activity: Activity, work: () => Promise<T>): Promise<T> {
    const start = this.#now();
    const result = await work();
    const taken = this.#now() - start;
    this.#spent[activity] += taken;
    this.#done[activity]++;
    if (activity === "step")
      this.#typicalStep = this.#typicalStep === 0 ? taken : 0.95 * this.#typicalStep + 0.05 * taken;
    return result;
  }

  /** Since the last step ended: the step, and what was done between both. */
  sinceLastStep(): number {
    const now = this.#now();
    const taken = now - this.#lastStep;
    this.#lastStep = now;
    return taken;
  }

  /** Seconds a step takes in all, over the steps of this process. */
  get perStep(): number {
    return (this.#now() - this.#began) / Math.max(1, this.#done.step);
  }

  /** What is left, if all goes on as it did: steps, evaluations, and what else there was for each step. */
  left({ steps, batches }: Remaining): number {
    const { step, evaluation } = this.#spent;
    const others = (this.#now() - this.#began - step - evaluation) / Math.max(1, this.#done.step);
    const perBatch =
      this.#done.evaluation === 0
        ? (this.#typicalStep * FORWARD_SHARE) / this.#batchesOfStep
        : evaluation / this.#done.evaluation;
    return steps * (this.#typicalStep + others) + batches * perBatch;
  }
}
