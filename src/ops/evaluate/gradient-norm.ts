import type { HostTensor } from "../../tensor/host.ts";
import { aroundAxis } from "./index-walk.ts";
import { statisticsOf, type RowNormKind } from "./norm.ts";

/** The gradient of a row norm with respect to x, weight and bias; see the op's doc for the formulas. */
export function evaluateNormGrad(
  {
    grad,
    x,
    weight,
    carried,
  }: {
    readonly grad: HostTensor;
    readonly x: HostTensor;
    readonly weight: HostTensor | undefined;
    readonly carried: HostTensor | undefined;
  },
  {
    norm,
    eps,
    unit_offset: unitOffset,
    bias,
  }: {
    readonly norm: RowNormKind;
    readonly eps: number;
    readonly unit_offset: boolean;
    readonly bias: boolean;
  },
): readonly HostTensor[] {
  const width = x.shape.at(-1)!;
  const source = Float64Array.from(x.data);
  const data = new Float64Array(source.length);
  const [ofWeight, ofBias] = [new Float64Array(width), new Float64Array(width)];
  const normed = new Float64Array(width);
  const scaled = new Float64Array(width);
  for (let start = 0; start < data.length; start += width) {
    const { centre, scale } = statisticsOf(source.subarray(start, start + width), norm, eps);
    let [sum, along] = [0, 0];
    for (let i = 0; i < width; i++) {
      const gradient = grad.data[start + i]!;
      normed[i] = (source[start + i]! - centre) * scale;
      scaled[i] = gradient * (weight === undefined ? 1 : weight.data[i]! + (unitOffset ? 1 : 0));
      sum += scaled[i]!;
      along += scaled[i]! * normed[i]!;
      ofWeight[i]! += gradient * normed[i]!;
      ofBias[i]! += gradient;
    }
    // At eps the scale of l2 no longer depends on x.
    const turn = norm === "l2" ? (scale < 1 / eps ? along : 0) : along / width;
    const shift = norm === "layer" ? sum / width : 0;
    for (let i = 0; i < width; i++)
      data[start + i] =
        scale * (scaled[i]! - shift - normed[i]! * turn) +
        (carried === undefined ? 0 : carried.data[start + i]!);
  }
  const results: HostTensor[] = [{ ...x, data }];
  if (weight !== undefined) results.push({ ...weight, data: ofWeight });
  if (bias) results.push({ dtype: x.dtype, shape: [width], data: ofBias });
  return results;
}

export function evaluateBatchNormGrad(
  {
    grad,
    x,
    mean,
    variance,
    weight,
  }: {
    readonly grad: HostTensor;
    readonly x: HostTensor;
    readonly mean: HostTensor;
    readonly variance: HostTensor;
    readonly weight: HostTensor | undefined;
  },
  { eps, axis }: { readonly eps: number; readonly axis: number },
): readonly HostTensor[] {
  const { size, inner } = aroundAxis(x.shape, axis);
  const data = new Float64Array(x.data.length);
  const [ofMean, ofVariance, ofWeight, ofBias] = [0, 0, 0, 0].map(() => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % size;
    const scale = 1 / Math.sqrt(variance.data[channel]! + eps);
    const normed = (x.data[i]! - mean.data[channel]!) * scale;
    const gradient = grad.data[i]!;
    data[i] = gradient * (weight?.data[channel] ?? 1) * scale;
    ofWeight[channel]! += gradient * normed;
    ofBias[channel]! += gradient;
  }
  // A channel's weight is a factor of whole sums: an infinite one makes them infinite, rather than ∞ - ∞.
  for (let channel = 0; channel < size; channel++) {
    const scale = 1 / Math.sqrt(variance.data[channel]! + eps);
    const slope = (weight?.data[channel] ?? 1) * scale;
    ofMean[channel] = -ofBias[channel]! * slope;
    ofVariance[channel] = -0.5 * ofWeight[channel]! * slope * scale;
  }
  const vector = (like: HostTensor | undefined, values: Float64Array): HostTensor => ({
    dtype: like?.dtype ?? x.dtype,
    shape: [size],
    data: values,
  });
  return [
    { ...x, data },
    vector(mean, ofMean),
    vector(variance, ofVariance),
    vector(weight, ofWeight),
    vector(undefined, ofBias),
  ];
}

export function evaluateBatchStatisticsGrad(
  {
    x,
    mean,
    grad_mean,
    grad_variance,
  }: {
    readonly x: HostTensor;
    readonly mean: HostTensor;
    readonly grad_mean: HostTensor;
    readonly grad_variance: HostTensor;
  },
  { axis }: { readonly axis: number },
): HostTensor {
  const { size, inner } = aroundAxis(x.shape, axis);
  const count = x.data.length / size;
  const data = new Float64Array(x.data.length);
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % size;
    const spread = 2 * grad_variance.data[channel]! * (x.data[i]! - mean.data[channel]!);
    data[i] = (grad_mean.data[channel]! + spread) / count;
  }
  return { ...x, data };
}
