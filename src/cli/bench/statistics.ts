import { median, quantile } from "d3-array";

/** What many times say: the middle one, and between which two the middle half of them lies. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export const spreadOf = (values: readonly number[]): Spread => ({
  median: medianOf(values),
  low: quantile(values, 0.25) ?? NaN,
  high: quantile(values, 0.75) ?? NaN,
});

export const medianOf = (values: readonly number[]): number => median(values) ?? NaN;
