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
