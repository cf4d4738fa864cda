import { readFloat32, type StoredTensor } from "./stored.ts";

/** Published tables are rounded to 16 bits at most. */
const TOLERANCE = 2e-3;

/**
 * Whether a tensor is a table of sinusoids as Marian's files have it, which a model computes: at [p, i] the sine of
 * p / 10000^(2i / D) in the first half of D channels, in the second the cosine.
 */
export function isSinusoidTable(
  name: string,
  tensor: { readonly shape: readonly number[]; readonly read: () => StoredTensor },
): boolean {
  const [rows, width] = tensor.shape as [number, number];
  if (!/(^|\.)embed_positions\.weights?$/.test(name) || tensor.shape.length !== 2 || width % 2 !== 0)
    return false;
  const half = width / 2;
  const values = readFloat32(tensor.read());
  for (let p = 0; p < rows; p++)
    for (let i = 0; i < half; i++) {
      const angle = p / 10_000 ** (i / half);
      const [sine, cosine] = [values[p * width + i]!, values[p * width + half + i]!];
      if (!(Math.abs(sine - Math.sin(angle)) <= TOLERANCE && Math.abs(cosine - Math.cos(angle)) <= TOLERANCE))
        return false;
    }
  return true;
}
