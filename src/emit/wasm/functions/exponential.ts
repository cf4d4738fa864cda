import type { V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { multiplyAdd } from "../machine.ts";
import { gatedSilu } from "./gates.ts";
import { inStep, kept, keptInStep, polynomial, type Body, type Wide } from "./wide.ts";

/**
 * e^-150 is 0 of float32 already, and so is e^-176 without a product below the least float, for which processors stop: keys that a mask hides,
 * half of a causal softmax, took twice as long. Its exponent is -254, of which both halves are no powers of two but 0. e^89 is ∞.
 */
export const LEAST_POWER = -176;
const MOST_POWER = 89;

/**
 * Rounds to a whole number when it is added: 1.5 · 2²³, the first float of its size with room on both sides. The last bits of
 * the sum are n + 254, whose halves are the exponents, with their bias of 127, of two powers of two with the product 2ⁿ.
 */
const ROUNDING = 1.5 * 2 ** 23 + 254;

/** ln 2 in two parts (Cephes, expf.c): the first has nine bits, so that its product with n is exact. */
const LN2 = [0.693359375, -2.1219444e-4] as const;

/** (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2. */
const EXPONENTIAL = [0.00138131436, 0.00836941879, 0.041668456, 0.166665152, 0.49999994] as const;

/** (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2, r in variables. */
export const exponential = (r: Wide, body: Body): Wide => polynomial(body, r, EXPONENTIAL);

/** A number with bits n + 254, as the exponent of a float32: for n halved the exponent of a power of two. */
export const exponentOf = (bits: V128): V128 => i32x4.shl(bits, i32.const(23));

/** x = n ln 2 + r: the bits of n + 254, and r. */
function reduced(x: Wide, body: Body): { readonly bits: Wide; readonly rest: Wide } {
  const { constants, machine } = body;
  const splat = (value: number): V128 => constants.splat(value);
  const fused = (a: V128, b: V128, c: V128): V128 => multiplyAdd(machine, a, b, c);
  const held = kept(x, body);
  const bits = keptInStep(body, (v) => fused(v, splat(Math.LOG2E), splat(ROUNDING)), held);
  const n = keptInStep(body, (b) => f32x4.sub(b, splat(ROUNDING)), bits);
  const first = inStep(body, (v, m) => fused(m, splat(-LN2[0]), v), held, n);
  return { bits, rest: inStep(body, (v, m) => fused(m, splat(-LN2[1]), v), first, n) };
}

/**
 * e^x = head · scale with head = first · (1 + less), all in variables. The head is right to a bit or two and within 2^±108; the
 * product is rounded once more where it is below 2^-126. So what is multiplied by e^x takes the head first. `first` and `scale` are
 * powers of two: times them nothing is rounded.
 */
export interface Power {
  readonly first: Wide;
  readonly less: Wide;
  readonly scale: Wide;
}

/** 2ⁿ e^r of the bits of n + 254; r is in variables. */
export function powerOfParts(bits: Wide, r: Wide, body: Body): Power {
  const p = exponential(r, body);
  const square = inStep(body, (v) => f32x4.mul(v, v), r);
  const less = keptInStep(body, (a, b, c) => multiplyAdd(body.machine, a, b, c), p, square, r);
  const half = keptInStep(body, (b) => i32x4.shr_s(b, i32.const(1)), bits);
  return {
    less,
    first: keptInStep(body, exponentOf, half),
    scale: keptInStep(body, (b, h) => exponentOf(i32x4.sub(b, h)), bits, half),
  };
}

/** What a power is before its scale, in variables. */
export const headOf = ({ first, less }: Power, body: Body): Wide =>
  keptInStep(body, (f, l) => multiplyAdd(body.machine, f, l, f), first, less);

/** y · e^x but for the scale, rounded once less than with the head; y is in variables. */
export function timesHead(y: Wide, { first, less }: Power, body: Body): Wide {
  const scaled = keptInStep(body, f32x4.mul, y, first);
  return inStep(body, (v, l) => multiplyAdd(body.machine, v, l, v), scaled, less);
}

/** e^(x + more), where `more` is small against x; x ≤ 89. What is below -176 is taken for it. */
export function power(x: Wide, body: Body, more?: Wide): Power {
  const held = inStep(body, (v) => f32x4.pmax(v, body.constants.splat(LEAST_POWER)), x);
  const { bits, rest } = reduced(held, body);
  const r = more === undefined ? rest : inStep(body, f32x4.add, rest, more);
  return powerOfParts(bits, kept(r, body), body);
}

/** e^x. */
export function exp(x: Wide, body: Body): Wide {
  const held = inStep(body, (v) => f32x4.pmin(v, body.constants.splat(MOST_POWER)), x);
  const raised = power(held, body);
  return inStep(body, f32x4.mul, headOf(raised, body), raised.scale);
}

/** (e^r - 1) / r for |r| ≤ ln 2 / 2: e^r within 9.2e-8 (the coefficients of 2^r in attention/powers.ts, by powers of ln 2). */
const RISE = [8.290314786e-3, 4.189793082e-2, 1.666763571e-1, 4.999915025e-1, 9.999997448e-1] as const;

/** Powers are by 2^24 too large, so that from the least number of float32 on, 2^-149, none is below the least normal one. */
const RAISED = 24;
/** e^-104.9 is below half of that least number; -151 is the whole number nearest to it in powers of two. */
const LEAST_RELATIVE = -104.9;
const RELATIVE_ROUNDING = 1.5 * 2 ** 23 + 127 + RAISED;
/** ln 2 as one float32 is 1.9e-9 too large, which -126 times makes a power 2^-22 too large: half of that is taken from all of them. */
const MIDDLE = 1 - 2 ** -23;

/**
 * 2^24 e^x for x ≤ 0, in fewer steps than e^x: its scale is one power of two, 0 for what is below all floats, and n ln 2 is taken away at once
 * where that is not rounded.
 */
export function relativePower(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const splat = (value: number): V128 => constants.splat(value);
  const fused = (a: V128, b: V128, c: V128): V128 => multiplyAdd(machine, a, b, c);
  const held = keptInStep(body, (v) => f32x4.pmax(v, splat(LEAST_RELATIVE)), x);
  const bits = keptInStep(body, (v) => fused(v, splat(Math.LOG2E), splat(RELATIVE_ROUNDING)), held);
  const n = keptInStep(body, (b) => f32x4.sub(b, splat(RELATIVE_ROUNDING)), bits);
  const parts = machine.fma ? [Math.LN2] : LN2;
  const middle = machine.fma ? MIDDLE : 1;
  const r = parts.reduce(
    (rest, part) => keptInStep(body, (v, m) => fused(m, splat(-part), v), rest, n),
    held,
  );
  const rise = polynomial(
    body,
    r,
    RISE.map((coefficient) => coefficient * middle),
  );
  const value = inStep(body, (p, v) => fused(p, v, splat(middle)), rise, r);
  return inStep(body, (v, b) => f32x4.mul(v, exponentOf(b)), value, bits);
}

/** e^x - 1 for -64 ≤ x ≤ 0, as right where it is small: 2ⁿ (e^r - 1) + (2ⁿ - 1). */
export function powerLessOne(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const { bits, rest } = reduced(x, body);
  const r = kept(rest, body);
  const p = exponential(r, body);
  const square = inStep(body, (v) => f32x4.mul(v, v), r);
  const less = inStep(body, (a, b, c) => multiplyAdd(machine, a, b, c), p, square, r);
  const scale = keptInStep(body, (b) => exponentOf(i32x4.sub(b, constants.splatWord(127))), bits);
  return inStep(body, (l, s) => multiplyAdd(machine, l, s, f32x4.sub(s, constants.splat(1))), less, scale);
}

/** The size of x with the sign of y. */
export const withSign = (x: Wide, y: Wide, body: Body): Wide =>
  inStep(body, (v, s) => v128.bitselect(s, v, body.constants.splat(-0)), x, y);

/** -|x|. */
const negativeSize = (x: Wide, body: Body): Wide =>
  inStep(body, (v) => v128.or(v, body.constants.splat(-0)), x);

/** tanh |x| = (1 - e^(-2|x|)) / (1 + e^(-2|x|)); from 10 on it is 1. x is in variables. */
export function tanh(x: Wide, body: Body): Wide {
  const { constants } = body;
  const twice = inStep(
    body,
    (v) => f32x4.pmax(f32x4.mul(v128.or(v, constants.splat(-0)), constants.splat(2)), constants.splat(-20)),
    x,
  );
  const less = kept(powerLessOne(twice, body), body);
  const ratio = inStep(body, (v) => f32x4.div(v, f32x4.add(v, constants.splat(2))), less);
  return withSign(ratio, x, body);
}

/** 1 / (1 + e^-|x|), or e^-|x| / (1 + e^-|x|) below 0. x is in variables. */
export function sigmoid(x: Wide, body: Body): Wide {
  const { constants } = body;
  const raised = power(negativeSize(x, body), body);
  const e = keptInStep(body, f32x4.mul, headOf(raised, body), raised.scale);
  return inStep(
    body,
    (v, w) =>
      f32x4.div(
        v128.bitselect(constants.splat(1), w, f32x4.ge(v, constants.splat(0))),
        f32x4.add(w, constants.splat(1)),
      ),
    x,
    e,
  );
}

/** x · sigmoid(x); below 0 x e^x / (1 + e^x), where x takes the head of the power first. x is in variables. */
export function silu(x: Wide, body: Body): Wide {
  if (body.machine.fma) return gatedSilu(x, body);
  const { constants } = body;
  const one = constants.splat(1);
  const held = keptInStep(body, (v) => f32x4.pmax(v, constants.splat(LEAST_POWER)), x);
  const raised = power(negativeSize(held, body), body);
  const { scale } = raised;
  const head = headOf(raised, body);
  const upper = keptInStep(body, (v) => f32x4.ge(v, constants.splat(0)), held);
  const over = inStep(body, (h, s) => f32x4.add(f32x4.mul(h, s), one), head, scale);
  const product = inStep(body, (v, h, u) => f32x4.mul(v, v128.bitselect(one, h, u)), held, head, upper);
  const ratio = inStep(body, f32x4.div, product, over);
  return inStep(body, (v, s, u) => f32x4.mul(v, v128.bitselect(one, s, u)), ratio, scale, upper);
}

/** log(1 + e) / e for 0 ≤ e ≤ 1. */
const LOG1P = [
  -0.00324400025, 0.0198513493, -0.0569593236, 0.106036335, -0.153055802, 0.196759343, -0.249541327,
  0.333299637, -0.499999017, 1,
] as const;

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). x is in variables. */
export function softplus(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const raised = power(negativeSize(x, body), body);
  const e = keptInStep(body, f32x4.mul, headOf(raised, body), raised.scale);
  const p = polynomial(body, e, LOG1P);
  return inStep(body, (v, w, q) => multiplyAdd(machine, q, w, f32x4.pmax(v, constants.splat(0))), x, e, p);
}
