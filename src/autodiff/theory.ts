import type { EdgeForm } from "./probe-form.ts";

/** What was measured of an edge y = post(a · s + b · f) at initialization: root mean squares, and a norm. */
export interface EdgeMeasure {
  readonly form: EdgeForm;
  readonly activation: number;
  /** The norm of the loss's gradient with respect to y. */
  readonly gradient: number;
  readonly source: number;
  readonly branch: number;
  /** Of a · s + b · f. */
  readonly sum: number;
  /** a and b, the size of a gain that is a tensor. */
  readonly skipGain: number;
  readonly branchGain: number;
}

/** Why a line has no point at an edge. */
export type Withheld = keyof typeof withheld;

/** The reasons in words, as they follow «no point where». */
export const withheld = {
  trained: "the weights are trained, and the line is one of weights that are drawn",
  begins: "the line begins with what was measured, for something else stands before the edge, or behind it",
  norm: "a norm after the add sets the size",
  post: "what stands after the add is no norm",
  branch: "the branch is neither scale-free nor proportional to what it reads",
  elsewhere: "the stream is read elsewhere too",
} as const;

export type LinePoint = number | Withheld;

/**
 * What simple assumptions say of an edge, to be held against what was measured. None is a bound, and none says anything of
 * training.
 */
export interface EdgeLines {
  /** The size of y if what each edge adds had no direction in common with what it carries. */
  readonly uncorrelated: LinePoint;
  /** The gradient's norm if only what is carried passed it on. */
  readonly carried: LinePoint;
  /** The gradient's norm if branches passed it back as they pass their input forward, without a common direction. */
  readonly alike: LinePoint;
}

/**
 * An edge is y = P(a · s + b · f(s)). Write q for the mean square of s, B for that of f, z for that of the sum and p for that
 * of y, all as measured at the edge itself: branches differ by depth even where their text is alike, as attention averages
 * less away when tokens are alike.
 *
 * Forward, *uncorrelated*. The sum has a² q + b² B. B stays if f is scale-free (a norm stands at its start or its end), and
 * follows q if f is proportional to s (linear layers and ReLU without biases); of anything else nothing is said. Known cases
 * follow. Pre-norm: z = q₀ + k B, a variance that grows by the same amount with each edge (Xiong et al. 2020, "On Layer
 * Normalization in the Transformer Architecture", lemma 2). No norm: z = q₀ (1 + B/q)^k (Zhang et al. 2019, "Fixup
 * Initialization"). ReZero, b = 0: the identity (Bachlechner et al. 2020). After a norm P there is nothing to say, as the norm
 * sets the size, and the line begins anew.
 *
 * Backward, squared norms of gradients change toward the input by a factor an edge:
 *
 * - *carried*: a², and behind a norm of a sum of size z, whose Jacobian scales by 1/√z, a² p / z. With p = q = 1 and the
 *   B = 1/2 of a ReLU layer these are the (2/3)^((L - l)/2) of Xiong et al.'s post-norm, with B = 1 gradients shrink by 1/√2
 *   an edge. DeepNorm's a = (2 L)^(1/4) makes the product over its 2 L edges at least about exp(-B √(L/2)), and its β lets B
 *   fall as β⁴ = 1/(8 L), so that it is bounded whatever the depth (Wang et al. 2022, "DeepNet").
 * - *alike*: what passes the branch is added, with the same mean square gain backward as forward: a random Jacobian J between
 *   equal widths has E|Ju|²/|u|² = E|Jᵀv|²/|v|² (Schoenholz et al. 2017, "Deep Information Propagation"). A norm at the
 *   branch's start or end divides by √q, a proportional branch has B = |J|² q: both give b² B/q, and the factor is
 *   a² + b² B/q, behind a norm that times p/z. For pre-norm gradients then fall as 1/√l toward the output; at the last layer
 *   that is the 1/√L of Xiong et al.'s theorem 1.
 *
 * Real branches pass more back, and less. Attention averages tokens, which keeps what they have in common forward (Dong et
 * al. 2021, "Attention is not all you need") and spreads gradients backward; its softmax has a gradient of its own, which
 * grows with the logits. Where no norm holds the stream the logits grow as its square and that gradient leaves every other
 * behind: such a branch is neither scale-free nor proportional, and the line ends there.
 *
 * A line begins with what was measured where an edge does not carry on the stream of the edge before it, and has no point
 * there: nothing of the measured values is handed back as theory.
 */
export function edgeLines(measures: readonly EdgeMeasure[]): readonly EdgeLines[] {
  const forward = uncorrelatedLine(measures);
  const carried = backwardLine(measures, carriedFactor);
  const alike = backwardLine(measures, alikeFactor);
  return measures.map((_, index) => ({
    uncorrelated: forward[index]!,
    carried: carried[index]!,
    alike: alike[index]!,
  }));
}

function uncorrelatedLine(measures: readonly EdgeMeasure[]): readonly LinePoint[] {
  /** The size of the stream before an edge, as the line has it. */
  let stream: number | "branch" | undefined;
  return measures.map(({ form, source, branch, activation, skipGain, branchGain }): LinePoint => {
    const begins = !form.follows || stream === undefined;
    const carried = begins ? source : stream!;
    if (form.post !== "proportional") {
      stream = activation;
      return form.post === "scale_free" ? "norm" : "post";
    }
    if (carried === "branch") return "branch";
    const added = branchGain === 0 ? 0 : sizeOf[form.branchSize](branch, source === 0 ? 1 : carried / source);
    stream = added === undefined ? "branch" : Math.hypot(skipGain * carried, branchGain * added);
    return begins && stream !== "branch" ? "begins" : stream;
  });
}

/** The size of a branch on a stream that is `ratio` times as large as the one that it was measured on. */
const sizeOf: Readonly<
  Record<EdgeForm["branchSize"], (branch: number, ratio: number) => number | undefined>
> = {
  none: (branch) => branch,
  scale_free: (branch) => branch,
  proportional: (branch, ratio) => branch * ratio,
  other: () => undefined,
};

/** The gradient's norms before each edge from those after it; the line begins at the last edge of each run. */
function backwardLine(
  measures: readonly EdgeMeasure[],
  factorOf: (measure: EdgeMeasure) => LinePoint,
): readonly LinePoint[] {
  const line: LinePoint[] = [];
  let above: LinePoint = "begins";
  for (let index = measures.length - 1; index >= 0; index--) {
    const next = measures[index + 1];
    if (next?.form.follows !== true) {
      line.push("begins");
      above = measures[index]!.gradient;
      continue;
    }
    const factor = factorOf(next);
    if (typeof above === "number") above = typeof factor === "number" ? above * factor : factor;
    line.push(above);
  }
  return line.reverse();
}

function carriedFactor({ form, activation, sum, skipGain }: EdgeMeasure): LinePoint {
  if (form.post === "proportional") return skipGain;
  return form.post === "scale_free" && sum > 0 ? (skipGain * activation) / sum : "post";
}

function alikeFactor(measure: EdgeMeasure): LinePoint {
  const { form, activation, source, branch, sum, skipGain, branchGain } = measure;
  if (form.isReadElsewhere) return "elsewhere";
  if (form.post !== "proportional" && (form.post !== "scale_free" || sum === 0)) return "post";
  const passed = form.branch === "none" || branchGain === 0 ? 0 : branchGain * branch;
  if (passed !== 0 && (form.branch === "other" || source === 0)) return "branch";
  const all = Math.hypot(skipGain, passed === 0 ? 0 : passed / source);
  return form.post === "proportional" ? all : (all * activation) / sum;
}
