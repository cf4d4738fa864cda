import { constantDim, sameDim, showDim } from "../../tensor/dim.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { Mismatch } from "../define.ts";
import { form, headsFirst, type HeadLayout } from "./attention.ts";
import {
  finiteAtLeast,
  firstOf,
  floatElements,
  integerElements,
  positive,
  rankIs,
  wholeAtLeast,
} from "./check.ts";

export const ropeScalings = [
  "none",
  "linear",
  "ntk",
  "dynamic",
  "yarn",
  "llama3",
  "longrope",
  "proportional",
] as const;

export interface RopeAttributes {
  readonly theta: number;
  readonly dims: number;
  readonly pairs: "halves" | "interleaved";
  readonly scaling: (typeof ropeScalings)[number];
  readonly factor: number;
  readonly original: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly beta_fast: number;
  readonly beta_slow: number;
  readonly truncate: boolean;
  readonly short_factor: readonly number[];
  readonly long_factor: readonly number[];
  readonly attention_factor: number;
  readonly inverse: boolean;
  readonly layout: HeadLayout;
}

export function inferRope(
  x: TensorType,
  positions: TensorType | undefined,
  attrs: RopeAttributes,
): readonly TensorType[] | Mismatch {
  const wrong = firstOf(floatElements("x", x), rankIs("x", x, 4, form(attrs.layout, "BHTK")));
  if (wrong !== undefined) return wrong;
  const width = constantDim(x.shape[3]!);
  if (width === undefined)
    return new Mismatch("x", `rope needs a head width known at compile time, got ${showType(x)}`);
  const misfit = firstOf(
    channelsTurn(attrs, width),
    positive("theta", attrs.theta),
    finiteAtLeast("attention_factor", attrs.attention_factor, 0),
    scalingIsComplete(attrs, attrs.dims === 0 ? width : attrs.dims),
  );
  if (misfit !== undefined) return misfit;
  return positions === undefined ? [x] : (positionsFit(x, positions, attrs.layout) ?? [x]);
}

function channelsTurn({ dims, scaling }: RopeAttributes, width: number): Mismatch | undefined {
  const turned = dims === 0 ? width : dims;
  // The scaling `proportional` pairs all channels, also those that stay.
  const odd = [turned, ...(scaling === "proportional" ? [width] : [])].find((count) => count % 2 !== 0);
  if (odd === undefined && turned >= 2 && turned <= width) return undefined;
  return new Mismatch(
    dims === 0 ? "x" : "dims",
    `channels turn in pairs: expected an even number of at most ${width}, got ${odd ?? turned}`,
  );
}

function positionsFit(x: TensorType, positions: TensorType, layout: HeadLayout): Mismatch | undefined {
  const [batch, , rows] = headsFirst(x.shape, layout);
  const fits =
    (positions.shape.length === 1 && sameDim(positions.shape[0], rows)) ||
    (positions.shape.length === 2 &&
      sameDim(positions.shape[1], rows) &&
      (sameDim(positions.shape[0], batch) || constantDim(positions.shape[0]!) === 1));
  const misfit = new Mismatch(
    "positions",
    `expected [${showDim(rows!)}] or [${showDim(batch!)}, ${showDim(rows!)}], got ${showType(positions)}`,
  );
  return integerElements("positions", positions) ?? (fits ? undefined : misfit);
}

/** Each scaling needs its own numbers to be in range, for `turned` channels; the others are not read. */
function scalingIsComplete(attrs: RopeAttributes, turned: number): Mismatch | undefined {
  const factor = () => finiteAtLeast("factor", attrs.factor, 1);
  const original = () => wholeAtLeast("original", attrs.original, 1);
  switch (attrs.scaling) {
    case "none":
      return undefined;
    case "linear":
    case "proportional":
      return factor();
    case "ntk":
      return firstOf(factor(), baseChanges(attrs, turned));
    case "dynamic":
      return firstOf(factor(), original(), baseChanges(attrs, turned));
    case "yarn":
      return firstOf(factor(), original(), rampIsComplete(attrs));
    case "llama3":
      return firstOf(factor(), original(), bandIsComplete(attrs));
    case "longrope":
      return firstOf(
        original(),
        onePerPair("short_factor", attrs.short_factor, turned / 2),
        onePerPair("long_factor", attrs.long_factor, turned / 2),
      );
  }
}

/** The exponent of θ's factor is width / (width - 2). */
const baseChanges = ({ scaling, dims }: RopeAttributes, turned: number): Mismatch | undefined =>
  turned > 2
    ? undefined
    : new Mismatch(
        dims === 0 ? "x" : "dims",
        `the scaling ${scaling} slows all pairs but the first: expected more than 2 channels`,
      );

const rampIsComplete = ({ theta, beta_fast: fast, beta_slow: slow }: RopeAttributes): Mismatch | undefined =>
  firstOf(
    theta > 1
      ? undefined
      : new Mismatch("theta", `yarn needs pairs of different speeds: more than 1, got ${theta}`),
    positive("beta_slow", slow),
    fast >= slow ? undefined : new Mismatch("beta_fast", `expected at least beta_slow, ${slow}, got ${fast}`),
  );

const bandIsComplete = ({
  low_freq_factor: low,
  high_freq_factor: high,
}: RopeAttributes): Mismatch | undefined =>
  firstOf(
    positive("low_freq_factor", low),
    high > low
      ? undefined
      : new Mismatch("high_freq_factor", `expected more than low_freq_factor, ${low}, got ${high}`),
  );

function onePerPair(name: string, list: readonly number[], pairs: number): Mismatch | undefined {
  if (list.length !== pairs)
    return new Mismatch(name, `expected ${pairs} numbers, one for each pair of channels, got ${list.length}`);
  return firstOf(...list.map((each) => positive(name, each)));
}
