import { sizeOf, type HostTensor } from "../../tensor/host.ts";
import { threefry2x32 } from "../../tensor/random.ts";
import { aroundAxis } from "./index-walk.ts";

/**
 * Element i stays where the first word of threefry(key: seed, stream; counter: i, step) is at least rate · 2^32. Whole
 * numbers only, so that every target drops the same elements.
 */
export function evaluateDropout(
  x: HostTensor,
  key: HostTensor | undefined,
  { rate, stream }: { readonly rate: number; readonly stream: number },
): HostTensor {
  if (key === undefined) return x;
  const [seed, step] = key.data as unknown as readonly [number, number];
  const threshold = Math.floor(rate * 2 ** 32);
  const data = Float64Array.from(x.data, (element, i) =>
    threefry2x32(seed, stream, i, step)[0] >= threshold ? element / (1 - rate) : 0,
  );
  return { ...x, data };
}

/** Mean and biased variance of each channel; the mean first, then the variance about it. */
export function channelStatistics(
  x: HostTensor,
  axis: number,
): { mean: Float64Array; variance: Float64Array } {
  const { size, inner } = aroundAxis(x.shape, axis);
  const count = x.data.length / size;
  const mean = new Float64Array(size);
  const variance = new Float64Array(size);
  const channelOf = (i: number): number => Math.floor(i / inner) % size;
  for (let i = 0; i < x.data.length; i++) mean[channelOf(i)]! += x.data[i]! / count;
  for (let i = 0; i < x.data.length; i++) {
    const channel = channelOf(i);
    variance[channel]! += (x.data[i]! - mean[channel]!) ** 2 / count;
  }
  return { mean, variance };
}

export function evaluateBatchStatistics(
  {
    x,
    running_mean,
    running_variance,
  }: {
    readonly x: HostTensor;
    readonly running_mean: HostTensor;
    readonly running_variance: HostTensor;
  },
  {
    axis,
    momentum,
    unbiased,
  }: { readonly axis: number; readonly momentum: number; readonly unbiased: boolean },
): readonly HostTensor[] {
  const { mean, variance } = channelStatistics(x, axis);
  const shape = [mean.length];
  const count = sizeOf(x.shape) / mean.length;
  const correction = unbiased ? count / Math.max(count - 1, 1) : 1;
  const moved = (old: HostTensor, now: Float64Array, factor: number): HostTensor => ({
    ...old,
    data: now.map((value, i) => (1 - momentum) * old.data[i]! + momentum * factor * value),
  });
  return [
    { dtype: x.dtype, shape, data: mean },
    { dtype: x.dtype, shape, data: variance },
    moved(running_mean, mean, 1),
    moved(running_variance, variance, correction),
  ];
}
