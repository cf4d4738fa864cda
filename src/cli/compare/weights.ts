import type { WeightError } from "../../run/compare/weights.ts";
import { showTable } from "../table.ts";

/** Layers that are named: the worst. */
const WORST = 5;

/** How far weights are from the original: what is said of them all, then the worst. */
export function showErrors(what: string, layers: readonly WeightError[]): string {
  const worst = layers.toSorted(byError).slice(0, WORST);
  const mean = layers.reduce((sum, { error }) => sum + error, 0) / Math.max(1, layers.length);
  const table = showTable(
    ["layer", "bits", "error"],
    worst.map(({ name, bits, error }) => [name, String(bits), showError(error)]),
    [1, 2],
  );
  return `${what}, the error ‖Δw‖ / ‖w‖ is ${showError(mean)} in the mean; the largest:\n${table}`;
}

/** Two infinities are alike. */
const byError = (a: WeightError, b: WeightError): number => (a.error === b.error ? 0 : b.error - a.error);

/** So many digits as tell forms of quantization apart, and what is no more than rounding as what it is. */
const showError = (error: number): string =>
  error === 0 || error >= 0.00005 ? error.toFixed(4) : error.toExponential(1);
