import type { V128 } from "../assembler/code.ts";
import { f32x4, f64x2, v128 } from "../assembler/simd.ts";
import type { Machine } from "../machine.ts";
import { inStep, kept, type Body, type Wide } from "./wide.ts";

/** Four lanes of float64 for each vector: the lower two, and the upper two. */
export interface Doubles {
  readonly low: Wide;
  readonly high: Wide;
}

/** The upper two lanes of a vector as the lower two of another. */
const upperHalf = (vector: V128): V128 => v128.shuffle(vector, vector, [2, 3, 2, 3]);

const split = (x: Wide, body: Body, make: (lower: V128) => V128): Doubles => {
  const once = kept(x, body);
  return {
    low: kept(once.map(make), body),
    high: kept(
      once.map((vector) => make(upperHalf(vector))),
      body,
    ),
  };
};

/** Floats as float64, in variables. */
export const promoted = (x: Wide, body: Body): Doubles => split(x, body, f64x2.promote_low_f32x4);

/** Whole numbers as float64, in variables. */
export const promotedWholes = (x: Wide, body: Body): Doubles => split(x, body, f64x2.convert_low_i32x4_s);

/** Rounded to float32. */
export const demoted = ({ low, high }: Doubles, body: Body): Wide =>
  inStep(
    body,
    (l, h) => v128.shuffle(f32x4.demote_f64x2_zero(l), f32x4.demote_f64x2_zero(h), [0, 1, 4, 5]),
    low,
    high,
  );

/** The lower 32 bits of each. */
export const lowWords = ({ low, high }: Doubles, body: Body): Wide =>
  inStep(body, (l, h) => v128.shuffle(l, h, [0, 2, 4, 6]), low, high);

/** An operation on each, its results in variables. */
export function doublesInStep(
  body: Body,
  make: (...vectors: V128[]) => V128,
  ...args: readonly Doubles[]
): Doubles {
  const of = (half: "low" | "high"): Wide => {
    const [first, ...rest] = args.map((each) => each[half]);
    return kept(inStep(body, make, first!, ...rest), body);
  };
  return { low: of("low"), high: of("high") };
}

/** x · y + z: in one instruction where the machine has it. */
export const multiplyAddDoubles = ({ fma }: Machine, x: V128, y: V128, z: V128): V128 =>
  fma ? f64x2.relaxed_madd(x, y, z) : f64x2.add(f64x2.mul(x, y), z);

/** … (c₀ x + c₁) x + … + cₙ. */
export const doublesPolynomial = (
  body: Body,
  x: Doubles,
  [highest, ...lower]: readonly number[],
): Doubles => {
  const { constants, machine } = body;
  const start: Wide = x.low.map(() => constants.splatDouble(highest!));
  return lower.reduce<Doubles>(
    (sum, coefficient) =>
      doublesInStep(
        body,
        (s, v) => multiplyAddDoubles(machine, s, v, constants.splatDouble(coefficient)),
        sum,
        x,
      ),
    { low: start, high: start },
  );
};
