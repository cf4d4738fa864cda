import type { EarlyReason } from "./early.ts";
import type { PlannedRun } from "./grid.ts";

/** Where a run left what it was at first, long before its loss showed it. */
export interface Alarm {
  readonly step: number;
  /** The residual edge, as messages name it. */
  readonly edge: string;
  /** The line of the model that the edge stands in, if it is known. */
  readonly line: number | null;
  readonly measure: string;
  readonly direction: "up" | "down";
}

/** What a run of a study came to. It has no times, so that the same run has the same bits wherever it is made. */
export interface RunResult extends PlannedRun {
  readonly format: typeof RESULT_FORMAT;
  /** Steps that were asked for. */
  readonly steps: number;
  /** Steps that were made. */
  readonly made: number;
  /** Undefined if it ended with its last step. */
  readonly stopped: { readonly step: number; readonly why: EarlyReason } | null;
  readonly loss: { readonly first: number | null; readonly last: number | null };
  /** After the last step; null if it was not reached. */
  readonly validation: number | null;
  /** The loss of the frequencies of the targets alone, on the same part; null if the loss is no cross-entropy. */
  readonly frequencies: number | null;
  /** The first of them, if there is any. */
  readonly alarm: Alarm | null;
}

export const RESULT_FORMAT = "lmg study result 1";

/** A number as JSON has it: null for NaN and infinity. */
export const finite = (value: number | undefined): number | null =>
  value !== undefined && Number.isFinite(value) ? value : null;

export const resultJson = (result: RunResult): string => `${JSON.stringify(result, null, 1)}\n`;

/** What result.json says; undefined for any other text. */
export function readResult(text: string): RunResult | undefined {
  try {
    const value = JSON.parse(text) as Partial<RunResult> | null;
    return value?.format === RESULT_FORMAT ? (value as RunResult) : undefined;
  } catch {
    return undefined;
  }
}
