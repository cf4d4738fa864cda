/** Three digits: `1.45`, `0.0677`, `1.49e+6`; empty if there is none. */
export function showSize(size: number | undefined): string {
  if (size === undefined) return "";
  if (size === 0 || !Number.isFinite(size)) return String(size);
  return Math.abs(size) >= 1e-3 && Math.abs(size) < 1e4
    ? Number(size.toPrecision(3)).toString()
    : size.toExponential(2);
}

/** `0.012 to 0.034`, or one number where both bounds are the same. */
export const showRange = ([low, high]: readonly [number, number]): string =>
  showSize(low) === showSize(high) ? showSize(low) : `${showSize(low)} to ${showSize(high)}`;
