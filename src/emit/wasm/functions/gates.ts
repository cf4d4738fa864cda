import type { V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4 } from "../assembler/simd.ts";
import { multiplyAdd, subtractProduct } from "../machine.ts";
import { inStep, keptInStep, polynomial, type Body, type Wide } from "./wide.ts";

/**
 * x g(x) for a gate g from 0 to 1 with g(x) + g(-x) = 1, where a product and a sum are one instruction, rounded once: it is max(x, 0) - a g(-a)
 * with a = |x|, and of g(-a) a power 2^-y is a factor. y is known beyond the last bit of a float32, as such an instruction also gives what a product
 * lost when it was rounded. x is in variables.
 */

/** Powers are by 2^48 too large, so that down to the least number of float32 none is below the least normal one. */
const RAISED = 48;
/** Rounds to a whole number when it is added; the last nine bits of the sum are then those of n + RAISED. */
const ROUNDING = 1.5 * 2 ** 23 + RAISED;

/** (2^r - 1) / r for |r| ≤ ½. */
const RISE = [0.000153523171, 0.00134001707, 0.00961844996, 0.0555032939, 0.240226477, 0.693147182] as const;

/** A number as a float32, and what that lacks of it. */
const inTwo = (value: number): readonly [number, number] => {
  const most = Math.fround(value);
  return [most, value - most];
};

const [LOG2E, LOG2E_REST] = inTwo(Math.LOG2E);
/** Of which float32 lacks 9.6e-9; that is in the polynomials of what it is the power in. */
const HALF_LOG2E = 0.5 * Math.LOG2E;

/** |x|, no more than what x g(x) is 0 at. */
const sizeOf = (x: Wide, end: number, body: Body): Wide =>
  keptInStep(body, (v) => f32x4.pmin(f32x4.abs(v), body.constants.splat(end)), x);

/** Of n + ROUNDING: -n, and n + RAISED where the exponent of a float32 stands. */
const wholeOf = (sum: Wide, body: Body): { readonly negative: Wide; readonly raise: Wide } => ({
  negative: inStep(body, (s) => f32x4.sub(body.constants.splat(ROUNDING), s), sum),
  raise: keptInStep(body, (s) => i32x4.shl(s, i32.const(23)), sum),
});

/** x - (0 or x, whichever is smaller): x where it is positive and -0, else 0; at -∞ NaN, as -∞ · 0 is. */
export const rectified = (v: V128, { constants }: Body): V128 =>
  f32x4.sub(v, f32x4.pmin(constants.splat(0), v));

/** `upper` less a raised product: its sign is right where it is 0 too, as that product never is. */
const lessRaised = (v: V128, upper: V128, { constants, machine }: Body): V128 =>
  subtractProduct(machine, v, constants.splat(2 ** -RAISED), upper);

/** a 2^-y / (1 + 2^-y) for 2^-y = 2^n 2^r, raised. */
function sigmoidTail(a: Wide, raise: Wide, r: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const rise = polynomial(body, r, RISE);
  const power = keptInStep(
    body,
    (p, v, n) => i32x4.add(multiplyAdd(machine, p, v, constants.splat(1)), n),
    rise,
    r,
    raise,
  );
  const over = inStep(
    body,
    (e) => multiplyAdd(machine, e, constants.splat(2 ** -RAISED), constants.splat(1)),
    power,
  );
  return inStep(body, (v, e, d) => f32x4.div(f32x4.mul(v, e), d), a, power, over);
}

/** Where x sigmoid(x) is 0 of float32, in size. */
const SILU_END = 110;

/** x sigmoid(x), which is -0 at -∞. */
export function gatedSilu(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const splat = (value: number): V128 => constants.splat(value);
  const a = sizeOf(x, SILU_END, body);
  const sum = keptInStep(body, (v) => subtractProduct(machine, v, splat(LOG2E), splat(ROUNDING)), a);
  const { negative, raise } = wholeOf(sum, body);
  const first = inStep(body, (v, m) => subtractProduct(machine, v, splat(LOG2E), m), a, negative);
  const r = keptInStep(body, (v, f) => subtractProduct(machine, v, splat(LOG2E_REST), f), a, first);
  const tail = sigmoidTail(a, raise, r, body);
  return inStep(body, (v, t) => lessRaised(t, f32x4.pmax(v, splat(0)), body), x, tail);
}

/** a², rounded, and by how much that is too large. */
function squareOf(a: Wide, body: Body): readonly [square: Wide, excess: Wide] {
  const square = keptInStep(body, (v) => f32x4.mul(v, v), a);
  return [square, keptInStep(body, (v, s) => subtractProduct(body.machine, v, v, s), a, square)];
}

/** Where x Φ(x) is 0 of float32, in size. */
export const TAIL_END = 14.6;

/**
 * 2^(h a²) Φ(-a) = p(a) / (s a p(a) + q(a)) for 0 ≤ a ≤ TAIL_END and h = HALF_LOG2E as a float32, with s near √(2π), as Mills' ratio goes
 * to 1 / a: where a is large, what p and q are off by when they are rounded counts for little.
 */
const TAIL_SLOPE = 2.50664258;
const OVER = [0.007012852, 0.0666510612, 0.291814268, 0.680407465, 0.75] as const;
const UNDER = [0.0174876675, 0.168784276, 0.677660525, 1.5] as const;

/** x Φ(x). */
export function gatedGelu(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const splat = (value: number): V128 => constants.splat(value);
  const fused = (v: V128, w: V128, z: V128): V128 => multiplyAdd(machine, v, w, z);
  const less = (v: V128, w: V128, z: V128): V128 => subtractProduct(machine, v, w, z);
  const a = sizeOf(x, TAIL_END, body);
  const [square, excess] = squareOf(a, body);
  const sum = keptInStep(body, (s) => less(s, splat(HALF_LOG2E), splat(ROUNDING)), square);
  const { negative, raise } = wholeOf(sum, body);
  const first = inStep(body, (s, n) => less(s, splat(HALF_LOG2E), n), square, negative);
  const r = keptInStep(body, (e, f) => fused(e, splat(HALF_LOG2E), f), excess, first);
  const grown = keptInStep(body, f32x4.mul, polynomial(body, r, RISE), r);
  const over = keptInStep(body, f32x4.mul, polynomial(body, a, OVER), a);
  // What is divided by is never 0: what is taken from its bits is taken from its exponent.
  const under = keptInStep(
    body,
    (q, w, n) => i32x4.sub(fused(w, splat(TAIL_SLOPE), q), n),
    polynomial(body, a, UNDER),
    over,
    raise,
  );
  const tail = inStep(body, (w, g, d) => f32x4.div(fused(w, g, w), d), over, grown, under);
  return inStep(body, (v, t) => lessRaised(t, rectified(v, body), body), x, tail);
}

/** x sigmoid(v) with v = x (C₁ + C₃ x²), by powers of 2. */
const SLOPE = 2 * Math.sqrt(2 / Math.PI) * Math.LOG2E;
const [CUBE, CUBE_REST] = inTwo(0.044715 * SLOPE);
/** A multiple of 2^-20, as C₁ + C₃ x² is where its last bits count: their difference is exact. */
const SLOPE_MOST = Math.round(SLOPE * 2 ** 20) / 2 ** 20;

/** Where x sigmoid(v) is 0 of float32, in size. */
export const TANH_END = 11;

export function gatedGeluTanh(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const splat = (value: number): V128 => constants.splat(value);
  const a = sizeOf(x, TANH_END, body);
  const [square, excess] = squareOf(a, body);
  const slope = keptInStep(body, (s) => multiplyAdd(machine, s, splat(CUBE), splat(SLOPE_MOST)), square);
  const known = inStep(
    body,
    (s, g) => multiplyAdd(machine, s, splat(CUBE), f32x4.sub(splat(SLOPE_MOST), g)),
    square,
    slope,
  );
  const small = inStep(
    body,
    (s) => multiplyAdd(machine, s, splat(CUBE_REST), splat(SLOPE - SLOPE_MOST)),
    square,
  );
  const more = inStep(
    body,
    (e, m, k) => f32x4.add(subtractProduct(machine, e, splat(CUBE), m), k),
    excess,
    small,
    known,
  );
  const sum = keptInStep(body, (v, g) => subtractProduct(machine, v, g, splat(ROUNDING)), a, slope);
  const { negative, raise } = wholeOf(sum, body);
  const first = inStep(body, (v, g, m) => subtractProduct(machine, v, g, m), a, slope, negative);
  const r = keptInStep(body, (v, g, f) => subtractProduct(machine, v, g, f), a, more, first);
  const tail = sigmoidTail(a, raise, r, body);
  return inStep(body, (v, t) => lessRaised(t, rectified(v, body), body), x, tail);
}
