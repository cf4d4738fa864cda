import type { Scalars } from "./measures.ts";
import type { TextSample } from "./samples.ts";
import type { StepReport } from "./trainer.ts";

/** A line of metrics.jsonl: an update. */
export interface StepLine {
  readonly step: number;
  readonly loss: number;
  readonly gradient_norm: number;
  readonly lr: number;
  /** Since the run began, evaluations and checkpoints among them, the interruptions left out. */
  readonly seconds: number;
  /** The metrics by name, and `tokens_per_second` or `samples_per_second`. */
  readonly [name: string]: number;
}

/** A line of metrics.jsonl: an evaluation after a step. */
export interface EvaluationLine {
  readonly step: number;
  readonly validation: Scalars;
  /** Batches that were read; null for all. */
  readonly batches: number | null;
  readonly seconds: number;
  /** A text that the model wrote then, where one was asked for. */
  readonly sample?: TextSample;
}

export type MetricsLine = StepLine | EvaluationLine;

export const isEvaluation = (line: MetricsLine): line is EvaluationLine =>
  typeof line.validation === "object";

/** The evaluation with the least loss; the first of equal ones. None is best whose loss is not finite. */
export const bestOf = (evaluations: readonly EvaluationLine[]): EvaluationLine | undefined =>
  evaluations
    .filter((line) => Number.isFinite(lossOf(line)))
    .reduce<EvaluationLine | undefined>(
      (best, line) => (best === undefined || lossOf(line) < lossOf(best) ? line : best),
      undefined,
    );

const lossOf = ({ validation }: EvaluationLine): number => validation["loss"]!;

/** How many evaluations there were after the best one; all of them, where none is best. */
export function evaluationsSinceBest(evaluations: readonly EvaluationLine[]): number {
  const best = bestOf(evaluations);
  return best === undefined ? evaluations.length : evaluations.length - 1 - evaluations.indexOf(best);
}

/** Six digits are more than a clock knows. */
export const rounded = (value: number): number => Number(value.toPrecision(6));

/**
 * The line of an update: `seconds` are those since the run began, `taken` those since the update before, in which it read its
 * rows or tokens, which `unit` calls.
 */
export function stepLine(
  { step, measures, gradientNorm, rate, units }: StepReport,
  { seconds, taken, unit }: { readonly seconds: number; readonly taken: number; readonly unit: string },
): StepLine {
  const { loss, ...others } = measures;
  return {
    step,
    loss: loss!,
    ...others,
    gradient_norm: gradientNorm,
    lr: rate,
    seconds: rounded(seconds),
    [`${unit}_per_second`]: rounded(units / taken),
  };
}
