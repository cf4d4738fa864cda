import type { RandomStream } from "../tensor/random.ts";

export interface Sampling {
  /** What logits are divided by; 0 takes the largest always. */
  readonly temperature: number;
  /** Only the k most likely; Infinity takes all. */
  readonly topK: number;
  /** The smallest set of most likely tokens whose probabilities reach p (Holtzman et al. 2020); 1 takes all. */
  readonly topP: number;
}

export interface Candidate {
  readonly id: number;
  readonly probability: number;
}

/** The k likeliest ids by softmax over the logits [V], most likely first; of equal ones the smaller id first. */
export function likeliest(logits: ArrayLike<number>, k: number): readonly Candidate[] {
  const largest = Array.prototype.reduce.call(
    logits,
    (a, b) => Math.max(a as number, b as number),
    -Infinity,
  ) as number;
  const weights = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Array.from(weights, (weight, id) => ({ id, probability: weight / total }))
    .sort((a, b) => b.probability - a.probability || a.id - b.id)
    .slice(0, k);
}

/** The id of the largest logit; the first of equal ones. */
export function argmax(logits: ArrayLike<number>): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/** Draws the next id from logits [V]: temperature, then the k likeliest, then the nucleus p, then by chance. */
export function sample(logits: ArrayLike<number>, sampling: Sampling, random: RandomStream): number {
  const { temperature, topK, topP } = sampling;
  if (temperature === 0) return argmax(logits);
  // Below the largest, so that no temperature makes infinities of them.
  const largest = logits[argmax(logits)]!;
  const scaled = Float64Array.from(logits, (logit) => (logit - largest) / temperature);
  const candidates = nucleus(likeliest(scaled, topK), topP);
  const total = candidates.reduce((sum, { probability }) => sum + probability, 0);
  let rest = random.uniform() * total;
  for (const { id, probability } of candidates) {
    rest -= probability;
    if (rest < 0) return id;
  }
  return candidates.at(-1)!.id;
}

function nucleus(candidates: readonly Candidate[], topP: number): readonly Candidate[] {
  const all = candidates.reduce((sum, { probability }) => sum + probability, 0);
  let reached = 0;
  const end = candidates.findIndex(({ probability }) => {
    reached += probability;
    return reached >= topP * all;
  });
  return end < 0 ? candidates : candidates.slice(0, end + 1);
}
