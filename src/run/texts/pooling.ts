import type { HostTensor } from "../../tensor/host.ts";

/** How one vector is made of those of a text's tokens, by the names of sentence-transformers. */
export const poolings = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"] as const;

export type Pooling = (typeof poolings)[number];

export const isPooling = (name: unknown): name is Pooling => poolings.some((pooling) => pooling === name);

/** The tokens of a text among the rows of a batch, from one up to another. */
export interface TokenRows {
  readonly first: number;
  readonly end: number;
  /** Rows before these count for the weights of `weightedmean`: those of a prompt that is not pooled. */
  readonly before: number;
}

/**
 * One vector [D × count] of the rows of a text in [B, T, D], one pooling behind the other, summed in float64. As `Pooling` of
 * sentence-transformers 6.2: without a row, a mean is 0, as are the first and the last.
 */
export function pooled(
  { data, shape }: HostTensor,
  { first, end, before }: TokenRows,
  pooling: readonly Pooling[],
): Float64Array {
  const width = shape.at(-1)!;
  const made = new Float64Array(width * pooling.length);
  for (const [at, mode] of pooling.entries()) {
    const out = made.subarray(at * width, (at + 1) * width);
    if (mode === "cls" || mode === "lasttoken") {
      const row = mode === "cls" ? first : end - 1;
      if (end > first) out.set(data.subarray(row * width, (row + 1) * width));
      continue;
    }
    let total = 0;
    if (mode === "max") out.fill(-Infinity);
    for (let row = first; row < end; row++) {
      const weight = mode === "weightedmean" ? before + row - first + 1 : 1;
      total += weight;
      for (let i = 0; i < width; i++) {
        const value = data[row * width + i]!;
        out[i] = mode === "max" ? Math.max(out[i]!, value) : out[i]! + weight * value;
      }
    }
    if (mode === "max") continue;
    const divisor = Math.max(LEAST, mode === "mean_sqrt_len_tokens" ? Math.sqrt(total) : total);
    for (let i = 0; i < width; i++) out[i] = out[i]! / divisor;
  }
  return made;
}

/** What sums of no tokens are divided by. */
const LEAST = 1e-9;
