import type { Graph } from "../../../src/ir/graph.ts";
import type { Weight } from "../onnx/exporter.ts";

/** A model that every engine is given in its own form. */
export interface Model {
  /** As the language or the IR says it, before any pass; it has one output. */
  readonly graph: Graph;
  /** Parameters that weights may have though this output needs them not. */
  readonly notNeeded?: readonly string[];
  readonly weights: () => Readonly<Record<string, Weight>>;
  /** The folder of a published model, where transformers.js finds its config. */
  readonly published?: string;
}

/** A model at one size. */
export interface Run {
  /** Which of the job's models. */
  readonly model: number;
  readonly sizes: Readonly<Record<string, number>>;
}

/** A line of the table. */
export interface Row {
  readonly name: string;
  /** From a loaded model, or from the start of a process: then it is the time to the first output, of one run. */
  readonly from: "model" | "start";
  /** One run; or two, and what is measured is by how much the second takes longer. */
  readonly runs: readonly [Run] | readonly [Run, Run];
  /** How many calls of a kernel the time is for. */
  readonly calls: number;
}

/** Rows whose models are loaded together. */
export interface Job {
  readonly name: string;
  readonly models: readonly Model[];
  readonly rows: readonly Row[];
  /**
   * The largest difference between two engines that is rounding, relative to the largest element: float32 rounds to 6e-8, and
   * a deep model adds up a hundred such errors and magnifies them in norms.
   */
  readonly tolerance: number;
}
