/** What a probe found, as data: it can be kept as JSON, where what is not finite is null. */
export interface Probed {
  readonly title: string;
  /** The line that made it. */
  readonly command: string;
  /** What was measured and how, a line each. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** What a reader must know, in sentences. */
  readonly notes: readonly string[];
  readonly cases: readonly ProbedCase[];
}

/** One form of the model. */
export interface ProbedCase {
  /** `post`; empty if nothing is compared. */
  readonly variant: string;
  readonly depth: number | undefined;
  /** What most of its edges compute: `y = N(x + f(x))`. */
  readonly form: string;
  /** At initialization. */
  readonly loss: number;
  readonly edges: readonly ProbedEdge[];
  readonly training: ProbedTraining | undefined;
}

export interface ProbedEdge {
  readonly name: string;
  readonly before: EdgeSizes;
  readonly predicted: {
    readonly activation: number;
    readonly gradient: readonly [low: number, high: number];
  };
  /** After training. */
  readonly after: EdgeSizes | undefined;
}

/** Of the stream after an edge: its root mean square, and the norm of the loss's gradient with respect to it. */
export interface EdgeSizes {
  readonly activation: number;
  readonly gradient: number;
}

export interface ProbedTraining {
  /** Steps that were to be made; fewer values below mean that it ended with NaN or infinity. */
  readonly steps: number;
  readonly losses: readonly number[];
  /** Of all parameters together, before clipping. */
  readonly gradientNorms: readonly number[];
  /** The loss on what is kept for validation, after the last step. */
  readonly validation: number | undefined;
  readonly seconds: number;
}

/** `post`, `depth 16`, `post, depth 16`. */
export const caseName = ({ variant, depth }: ProbedCase): string =>
  [variant, depth === undefined ? "" : `depth ${depth}`].filter((part) => part !== "").join(", ");

/** Whether a training ended before its last step. */
export const endedEarly = ({ steps, losses }: ProbedTraining): boolean => losses.length < steps;

/** Steps, first loss, last loss, validation loss and seconds of a training, as texts. */
export const resultTexts = ({ loss }: ProbedCase, training: ProbedTraining): readonly string[] => [
  `${training.losses.length}${endedEarly(training) ? ": NaN or infinity" : ""}`,
  loss.toFixed(3),
  lastLoss(training).toFixed(3),
  training.validation === undefined ? "" : training.validation.toFixed(3),
  training.seconds.toFixed(0),
];

/** The mean over the last twentieth of the steps. */
export function lastLoss({ losses, steps }: ProbedTraining): number {
  const last = losses.slice(-Math.max(1, Math.round(steps / 20)));
  return last.reduce((sum, loss) => sum + loss, 0) / last.length;
}
