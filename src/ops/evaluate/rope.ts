import type { HostTensor } from "../../tensor/host.ts";
import type { RopeAttributes } from "../infer/rope.ts";

export type RopeScaling = Omit<RopeAttributes, "pairs" | "layout" | "inverse" | "attention_factor">;

/** How many channels of a head stand in pairs that turn, if only by 0. */
export const ropeWidth = (attrs: Pick<RopeScaling, "dims" | "scaling">, headWidth: number): number =>
  attrs.dims === 0 || attrs.scaling === "proportional" ? headWidth : attrs.dims;

/** Whether the frequencies follow the length of the text, which is its largest position + 1. */
export const readsLength = ({ scaling }: Pick<RopeScaling, "scaling">): boolean =>
  scaling === "dynamic" || scaling === "longrope";

/**
 * What each pair of a head turns by, in radians a position: θ^(-2i/d) (Su et al. 2021), under a scaling for longer texts.
 * The formulas are those of transformers' `ROPE_INIT_FUNCTIONS` (5.24); `ntk` is the static form of its `dynamic`.
 */
export function ropeFrequencies(attrs: RopeScaling, headWidth: number, length: number): Float64Array {
  const width = ropeWidth(attrs, headWidth);
  const theta = base(attrs, width, length);
  return Float64Array.from({ length: width / 2 }, (_, pair) =>
    rescaled(attrs, width, length, theta ** ((-2 * pair) / width), pair),
  );
}

/** The NTK-aware scalings change θ so that the slowest pair turns `factor` times slower and the fastest as before. */
function base({ theta, scaling, factor, original }: RopeScaling, width: number, length: number): number {
  if (scaling === "ntk") return theta * factor ** (width / (width - 2));
  if (scaling !== "dynamic") return theta;
  const longest = Math.max(length, original);
  return theta * ((factor * longest) / original - (factor - 1)) ** (width / (width - 2));
}

function rescaled(
  attrs: RopeScaling,
  width: number,
  length: number,
  frequency: number,
  pair: number,
): number {
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
    case "longrope":
      return frequency / (length > attrs.original ? attrs.long_factor : attrs.short_factor)[pair]!;
    case "proportional":
      return attrs.dims !== 0 && pair >= attrs.dims / 2 ? 0 : frequency / attrs.factor;
  }
}

/** YaRN (Peng et al. 2023): 0 for pairs that turn more than beta_fast times in the original text, 1 below beta_slow. */
function yarnSlowness(attrs: RopeScaling, width: number, pair: number): number {
  const pairThatTurns = (times: number): number =>
    (width * Math.log(attrs.original / (times * 2 * Math.PI))) / (2 * Math.log(attrs.theta));
  const [begin, end] = [pairThatTurns(attrs.beta_fast), pairThatTurns(attrs.beta_slow)];
  const low = Math.max(attrs.truncate ? Math.floor(begin) : begin, 0);
  const high = Math.min(attrs.truncate ? Math.ceil(end) : end, width - 1);
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
  const frequencies = ropeFrequencies(attrs, width, length);
  const magnitude = attrs.attention_factor;
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
