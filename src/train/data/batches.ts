import type { HostTensor } from "../../tensor/host.ts";

/** Inputs and targets of a training graph, by name. */
export type Batch = Readonly<Record<string, HostTensor>>;

/** What a training reads: batches that depend on nothing but the seed and their number, so that a run can resume anywhere. */
export interface Batches {
  /** What is read, in words: "text, 1,003,854 tokens of 65 characters for training, 111,540 for validation". */
  readonly description: string;
  /** Batches that go through the training part once. */
  readonly perEpoch: number;
  /** What the rates count: tokens of text, or rows. */
  readonly unit: "tokens" | "samples";
  /** Units in a batch. */
  readonly size: number;
  /** Inputs and targets of the training batch of one micro-step, counted from 0. */
  readonly at: (index: number) => Batch;
  /** The batches of the validation part, the same ones in the same order each time; at most `limit`. */
  readonly validation: (limit?: number) => Iterable<ValidationBatch>;
}

export interface ValidationBatch {
  readonly tensors: Batch;
  /** For the mean over batches: how many units are in it. */
  readonly weight: number;
}
