import type { MeasuredTap, PathGradients } from "./measure.ts";
import type { EdgeLines } from "../../autodiff/theory.ts";

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
  /** What the text names by `as NAME`. */
  readonly taps: readonly MeasuredTap[];
  readonly training: ProbedTraining | undefined;
}

export interface ProbedEdge {
  readonly name: string;
  /** The line of the model where it stands; undefined for one that no text says. */
  readonly line: number | undefined;
  readonly before: EdgeSizes;
  /** The largest |y|. */
  readonly largest: number;
  /** The size of what the branch adds, as a share of the size of what is carried, both with their gains. */
  readonly share: number;
  /** The size of y in each of its lanes. */
  readonly lanes: readonly number[] | undefined;
  /** The gradient with the branches cut and with the weights of attention held, if that was asked for. */
  readonly paths: PathGradients | undefined;
  /** What float32 makes of them, if it misses one of them. */
  readonly inFloat32: EdgeSizes | undefined;
  /** To hold beside what was measured; a word where a line has no point. */
  readonly lines: EdgeLines;
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
