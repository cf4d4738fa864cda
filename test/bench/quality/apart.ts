/** How far logits are from others, over all positions of some texts. */
export interface Apart {
  readonly positions: number;
  /** The largest absolute difference of two logits. */
  readonly largest: number;
  /** The share of positions at which both have the same largest logit. */
  readonly agree: number;
  /** The mean of Σ p log(p / q), p being the probabilities that are wanted, in nats. */
  readonly divergence: number;
}

/** Of texts, each with the logits of all of its positions, [T, width]. */
export function compareLogits(
  wanted: readonly Float32Array[],
  found: readonly Float32Array[],
  width: number,
): Apart {
  let [positions, largest, agree, divergence] = [0, 0, 0, 0];
  wanted.forEach((all, text) => {
    for (let start = 0; start < all.length; start += width) {
      const [p, q] = [all, found[text]!].map((logits) => logits.subarray(start, start + width));
      positions++;
      p!.forEach((logit, i) => (largest = Math.max(largest, Math.abs(logit - q![i]!))));
      if (likeliest(p!) === likeliest(q!)) agree++;
      divergence += divergenceOf(p!, q!);
    }
  });
  return { positions, largest, agree: agree / positions, divergence: divergence / positions };
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

function divergenceOf(p: Float32Array, q: Float32Array): number {
  const [logP, logQ] = [logSum(p), logSum(q)];
  return p.reduce((sum, logit, i) => sum + Math.exp(logit - logP) * (logit - logP - q[i]! + logQ), 0);
}

function logSum(logits: Float32Array): number {
  const largest = logits[likeliest(logits)]!;
  return largest + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0));
}
