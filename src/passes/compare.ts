import type { HostTensor } from "../tensor/host.ts";

/**
 * Largest difference that counts as rounding, in units of the tensor's largest finite element (at least 1). The
 * interpreter rounds to 2⁻⁵³ ≈ 1e-16; a norm of rows with mean 1e4 and spread 1e-2 magnifies that by 1e6, and a deep model
 * has several norms in a row.
 */
export const ROUNDING = 1e-7;

/** The first element in which two tensors differ by more than rounding. */
export interface Difference {
  /** The place, row-major; -1 if the shapes differ. */
  readonly index: number;
  readonly expected: number;
  readonly found: number;
}

/** NaN equals NaN and an infinity itself, at the same place; everything else differs by rounding at most. */
export function firstDifference(
  expected: HostTensor,
  found: HostTensor,
  rounding = ROUNDING,
): Difference | undefined {
  const { data } = expected;
  if (data.length !== found.data.length)
    return { index: -1, expected: data.length, found: found.data.length };
  let scale = 1;
  for (const value of data) if (Number.isFinite(value)) scale = Math.max(scale, Math.abs(value));
  for (let index = 0; index < data.length; index++) {
    const [a, b] = [data[index]!, found.data[index]!];
    const same = Number.isFinite(a) ? Math.abs(a - b) <= rounding * scale : Object.is(a, b);
    if (!same) return { index, expected: a, found: b };
  }
  return undefined;
}
