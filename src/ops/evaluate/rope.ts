import type { HostTensor } from "../../tensor/host.ts";
import type { RopeAttributes } from "../infer/attention.ts";

export type RopeScaling = Omit<RopeAttributes, "pairs" | "layout" | "inverse">;

/** What rope turns by: radians a position for each pair of channels, and the factor of sine and cosine. */
export interface RopeFrequencies {
  readonly frequencies: Float64Array;
  readonly magnitude: number;
}

/** How many channels of a head turn. */
export const ropeWidth = (attrs: { readonly dims: number }, headWidth: number): number =>
  attrs.dims === 0 ? headWidth : attrs.dims;

/**
 * θ^(-2i/d) for the pairs of one head (Su et al. 2021), under a scaling for longer texts. The formulas are those of
 * transformers' `ROPE_INIT_FUNCTIONS`; `ntk` is the static form of its `dynamic`. Only `dynamic` reads the length of
 * the text, the largest position + 1.
 */
export function ropeFrequencies(attrs: RopeScaling, headWidth: number, length: number): RopeFrequencies {
  const width = ropeWidth(attrs, headWidth);
  const plain = powers(base(attrs, width, length), width);
  const prescribed = attrs.scaling === "yarn" ? 0.1 * Math.log(attrs.factor) + 1 : 1;
  return {
    frequencies: plain.map((frequency, pair) => rescaled(attrs, width, frequency, pair)),
    magnitude: attrs.magnitude === 0 ? prescribed : attrs.magnitude,
  };
}

const powers = (theta: number, width: number): Float64Array =>
  Float64Array.from({ length: width / 2 }, (_, pair) => theta ** ((-2 * pair) / width));

/** The NTK-aware scalings change θ so that the slowest pair turns `factor` times slower and the fastest as before. */
function base({ theta, scaling, factor, original }: RopeScaling, width: number, length: number): number {
  if (scaling === "ntk") return theta * factor ** (width / (width - 2));
  if (scaling !== "dynamic") return theta;
  const longest = Math.max(length, original);
  return theta * ((factor * longest) / original - (factor - 1)) ** (width / (width - 2));
}

function rescaled(attrs: RopeScaling, width: number, frequency: number, pair: number): number {
  switch (attrs.scaling) {
    case "none":
    case "ntk":
    case "dynamic":
      return frequency;
    case "linear":
      return frequency / attrs.factor;
    case "yarn": {
      const slow = yarnSlowness(attrs, width, pair);
      return (frequency / attrs.factor) * slow + frequency * (1 - slow);
    }
    case "llama3": {
      const { original, low_freq_factor: low, high_freq_factor: high } = attrs;
      const turns = (original * frequency) / (2 * Math.PI);
      const fast = Math.min(1, Math.max(0, (turns - low) / (high - low)));
      return (frequency / attrs.factor) * (1 - fast) + frequency * fast;
    }
  }
}

/** YaRN (Peng et al. 2023): 0 for pairs that turn more than beta_fast times in the original text, 1 below beta_slow. */
function yarnSlowness(attrs: RopeScaling, width: number, pair: number): number {
  const pairThatTurns = (times: number): number =>
    (width * Math.log(attrs.original / (times * 2 * Math.PI))) / (2 * Math.log(attrs.theta));
  const low = Math.max(Math.floor(pairThatTurns(attrs.beta_fast)), 0);
  const high = Math.min(Math.ceil(pairThatTurns(attrs.beta_slow)), width - 1);
  // The reference's way around a division by zero.
  const span = high === low ? 0.001 : high - low;
  return Math.min(1, Math.max(0, (pair - low) / span));
}

export function evaluateRope(
  x: HostTensor,
  positions: HostTensor | undefined,
  attrs: RopeAttributes,
): HostTensor {
  const headsLast = attrs.layout === "heads_last";
  const [, second, third, width] = x.shape as readonly [number, number, number, number];
  const [rows, heads] = headsLast ? [second, third] : [third, second];
  const positionOf = (row: number, item: number): number => {
    if (positions === undefined) return row;
    const perItem = positions.shape.length === 2 && positions.shape[0] !== 1;
    return positions.data[(perItem ? item * rows : 0) + row]!;
  };
  const length = positions === undefined ? rows : [...positions.data].reduce((a, b) => Math.max(a, b + 1), 0);
  const { frequencies, magnitude } = ropeFrequencies(attrs, width, length);
  const pairs = frequencies.length;
  const direction = attrs.inverse ? -1 : 1;
  const data = Float64Array.from(x.data);
  for (let vector = 0; vector < x.data.length / width; vector++) {
    const row = headsLast ? Math.floor(vector / heads) % rows : vector % rows;
    const position = positionOf(row, Math.floor(vector / (heads * rows)));
    for (let pair = 0; pair < pairs; pair++) {
      const first = vector * width + (attrs.pairs === "halves" ? pair : 2 * pair);
      const second = attrs.pairs === "halves" ? first + pairs : first + 1;
      const cos = magnitude * Math.cos(position * frequencies[pair]!);
      const sin = direction * magnitude * Math.sin(position * frequencies[pair]!);
      data[first] = x.data[first]! * cos - x.data[second]! * sin;
      data[second] = x.data[second]! * cos + x.data[first]! * sin;
    }
  }
  return { dtype: x.dtype, shape: x.shape, data };
}
