import type { Edge } from "../ir/graph.ts";

/** What was measured of an edge y = post(a · s + b · f) at initialization: root mean squares, and a norm. */
export interface EdgeMeasure {
  readonly edge: Edge;
  /** True if s is the y of the measure before. */
  readonly follows: boolean;
  readonly activation: number;
  /** The norm of the loss's gradient with respect to y. */
  readonly gradient: number;
  readonly source: number;
  readonly branch: number;
  /** a and b, the size of a gain that is a tensor. */
  readonly skipGain: number;
  readonly branchGain: number;
}

/** What the theory says of an edge; the gradient lies between two bounds. */
export interface EdgePrediction {
  readonly activation: number;
  readonly gradient: readonly [low: number, high: number];
}

/**
 * What the form of the edges says about sizes by depth at initialization, where weights are random and independent of what
 * they multiply. It says nothing about training.
 *
 * An edge is y = P(a · s + b · f(s)); its own line in the model gives a, b and where norms stand, no name of a variant does.
 * Write q for the mean square of s, B for that of f, z = a² q + b² B for that of the sum.
 *
 * Forward. What is carried and what is added are uncorrelated, so y has z, or, with a norm after the add, what the norm
 * gives. B is measured at the first iteration of a repeat and held there: a branch with a norm at its start or end does not
 * see the size of the stream (B stays); one without is taken as homogeneous (B grows as q; exact for linear layers and
 * ReLU). Known cases follow. Pre-norm: z = q₀ + k B, a variance that grows by the same amount with each edge (Xiong et al.
 * 2020, "On Layer Normalization in the Transformer Architecture", lemma 2). No norm: z = q₀ (1 + B/q)^k (Zhang et al. 2019,
 * "Fixup Initialization"). ReZero, b = 0: the identity (Bachlechner et al. 2020).
 *
 * Backward. Squared norms of gradients change toward the input by a factor an edge:
 *
 * - low: only what is carried passes gradient. a², and behind a norm of a sum of size z, whose Jacobian scales by 1/√z,
 *   a² p / z, where p is what the norm gives. With p = q = 1 and the B = 1/2 of a ReLU layer these are the
 *   (2/3)^((L - l)/2) of Xiong et al.'s post-norm, with B = 1 the gradients shrink toward the input by 1/√2 an edge.
 *   DeepNorm's a = (2 L)^(1/4) makes the product over its 2 L edges at least about exp(-B √(L/2)), and its β lets B fall
 *   as β⁴ = 1/(8 L), so that it is bounded whatever the depth (Wang et al. 2022, "DeepNet").
 * - high: what passes the branch is added, with the same mean square gain backward as forward: a random Jacobian J between
 *   equal widths has E|Ju|²/|u|² = E|Jᵀv|²/|v|² (Schoenholz et al. 2017, "Deep Information Propagation"). A norm at the
 *   branch's start or end divides by √q, so each kind of branch gives b² B/q: the factor is z/q, behind a norm p/q. In other
 *   words gradient norm times activation is the same along the whole depth. For pre-norm gradients then fall as 1/√l toward
 *   the output; at the last layer that is the 1/√L of Xiong et al.'s theorem 1.
 *
 * Real branches lie between: attention averages tokens, which keeps what they have in common forward (Dong et al. 2021,
 * "Attention is not all you need") and spreads gradients backward, so that J is far from isotropic. An edge that carries
 * nothing (a = 0) has only the upper form. Gradients begin with what was measured at the last edge. Where an edge does not
 * carry on the stream of the edge before it, sizes begin anew with what was measured.
 */
export function predictEdges(measures: readonly EdgeMeasure[]): readonly EdgePrediction[] {
  const forward = predictForward(measures);
  const predictions: EdgePrediction[] = [];
  let above: { readonly low: number; readonly high: number } | undefined;
  for (let index = measures.length - 1; index >= 0; index--) {
    const next = measures[index + 1];
    const measured = measures[index]!.gradient;
    const { low, high } =
      next?.follows === true && above !== undefined ? pullBack(above, forward[index + 1]!) : both(measured);
    above = { low, high };
    predictions.push({ activation: Math.sqrt(forward[index]!.result), gradient: [low, high] });
  }
  return predictions.reverse();
}

const both = (value: number): { readonly low: number; readonly high: number } => ({
  low: value,
  high: value,
});

/** The mean squares of one edge, as predicted. */
interface ForwardEdge {
  readonly skipGain: number;
  /** q: of what is carried, before its gain. */
  readonly source: number;
  /** z: of the sum. */
  readonly sum: number;
  /** Of the result. */
  readonly result: number;
  readonly isNormed: boolean;
}

function predictForward(measures: readonly EdgeMeasure[]): readonly ForwardEdge[] {
  const siblings = new Map<string, EdgeMeasure>();
  const forward: ForwardEdge[] = [];
  for (const measure of measures) {
    const { edge, follows, skipGain, branchGain } = measure;
    const first = firstOf(siblings, measure);
    const before = forward.at(-1);
    const source = follows && before !== undefined ? before.result : measure.source ** 2;
    const isScaleFree = edge.norms.some(({ position }) => position !== "post");
    const branch = first.branch ** 2 * (isScaleFree || first.source === 0 ? 1 : source / first.source ** 2);
    const sum = skipGain ** 2 * source + branchGain ** 2 * branch;
    const isNormed = edge.norms.some(({ position }) => position === "post");
    const result = isNormed ? first.activation ** 2 : sum;
    forward.push({ skipGain, source, sum, result, isNormed });
  }
  return forward;
}

/** The edge that stands at the same place in the first iteration; the edge itself if it is there. */
function firstOf(siblings: Map<string, EdgeMeasure>, measure: EdgeMeasure): EdgeMeasure {
  const { name, scope } = measure.edge;
  const place = name.replaceAll(/\.\d+/g, ".*") + scope.map(({ label }) => `/${label}`).join("");
  const first = siblings.get(place);
  if (first === undefined) siblings.set(place, measure);
  return first ?? measure;
}

/** The bounds before an edge from those after it. */
function pullBack(
  { low, high }: { readonly low: number; readonly high: number },
  { skipGain, source, sum, result, isNormed }: ForwardEdge,
): { readonly low: number; readonly high: number } {
  const all = Math.sqrt((isNormed ? result : sum) / source);
  const carried = isNormed ? skipGain * Math.sqrt(result / sum) : skipGain;
  return { low: low * (skipGain === 0 ? all : carried), high: high * all };
}
