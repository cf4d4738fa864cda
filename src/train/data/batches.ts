import type { HostTensor } from "../../tensor/host.ts";

/** Inputs and targets of a training graph, by name. */
export type Batch = Readonly<Record<string, HostTensor>>;

/** What a training reads: batches that depend on nothing but the seed and their number, so that a run can resume anywhere. */
export interface Batches {
  /** What is read, in words: "text, 1,003,854 tokens of 65 characters for training, 111,540 for validation". */
  readonly description: string;
  /** Batches that go through the training part once. */
  readonly perEpoch: number;
  /**
   * Whether an epoch ends with its last row, and with it an update, which then takes the batches that are left. Batches
   * that are drawn anew each time have no end.
   */
  readonly endsEpochs?: boolean;
  /** What the rates count: tokens of text, or rows. */
  readonly unit: "tokens" | "samples";
  /** Units in a whole batch. */
  readonly size: number;
  /** Units in the training batch of that number; those of a whole one if not given. */
  readonly unitsOf?: (index: number) => number;
  /** Inputs and targets of the training batch of one micro-step, counted from 0. */
  readonly at: (index: number) => Batch;
  /** How many batches the validation part has. */
  readonly validationBatches: number;
  /** The batches of the validation part, the same ones in the same order each time; at most `limit`. */
  readonly validation: (limit?: number) => Iterable<ValidationBatch>;
}

export interface ValidationBatch {
  readonly tensors: Batch;
  /** How many units are in it. */
  readonly weight: number;
}

/** How the batches of a training lie in its updates. */
export type EpochLength = Pick<Batches, "perEpoch" | "endsEpochs">;

/** Updates that go through the data once, of at most `accumulate` batches each. */
export const updatesPerEpoch = ({ perEpoch, endsEpochs }: EpochLength, accumulate: number): number =>
  endsEpochs === true ? Math.ceil(perEpoch / accumulate) : Math.max(1, Math.floor(perEpoch / accumulate));

/** The batches of an update, counted from 0: the number of the first, and how many there are. */
export function batchesOfUpdate(
  update: number,
  accumulate: number,
  epochs: EpochLength,
): { readonly first: number; readonly count: number } {
  if (epochs.endsEpochs !== true) return { first: update * accumulate, count: accumulate };
  const { perEpoch } = epochs;
  const updates = updatesPerEpoch(epochs, accumulate);
  const start = (update % updates) * accumulate;
  return {
    first: Math.floor(update / updates) * perEpoch + start,
    count: Math.min(accumulate, perEpoch - start),
  };
}
