import type { LinePoint } from "../autodiff/theory.ts";

/** Three digits: `1.45`, `0.0677`, `1.49e+6`; empty if there is none. */
export function showSize(size: number | undefined): string {
  if (size === undefined) return "";
  if (size === 0 || !Number.isFinite(size)) return String(size);
  return Math.abs(size) >= 1e-3 && Math.abs(size) < 1e4
    ? Number(size.toPrecision(3)).toString()
    : size.toExponential(2);
}

/** A point of a line of theory; a dash where it has none. */
export const showPoint = (point: LinePoint): string => (typeof point === "string" ? "–" : showSize(point));
