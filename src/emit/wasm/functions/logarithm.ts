import { i32 } from "../assembler/numbers.ts";
import { f32x4, f64x2, i32x4, v128 } from "../assembler/simd.ts";
import { multiplyAdd } from "../machine.ts";
import {
  demoted,
  doublesInStep,
  doublesPolynomial,
  multiplyAddDoubles,
  promoted,
  promotedWholes,
  type Doubles,
} from "./doubles.ts";
import { wordOf } from "./lanes.ts";
import { inStep, keptInStep, polynomial, type Body, type Wide } from "./wide.ts";

/** The smallest float32 with all its bits. */
const LEAST_NORMAL = 2 ** -126;

/** What makes the others such. */
const RAISED_BY = 23;

/**
 * |x| = 2ⁿ m with √½ ≤ m < √2, of numbers that are neither 0 nor infinite: n as a whole number, m as a float, both in variables. x
 * is in variables.
 */
export function parts(x: Wide, body: Body): { readonly exponent: Wide; readonly mantissa: Wide } {
  const { constants } = body;
  const least = constants.splat(LEAST_NORMAL);
  const base = constants.splatWord(wordOf(Math.SQRT1_2));
  const size = keptInStep(body, f32x4.abs, x);
  const low = keptInStep(body, (v) => f32x4.lt(v, least), size);
  const raised = inStep(
    body,
    (v, l) => v128.bitselect(f32x4.mul(v, constants.splat(2 ** RAISED_BY)), v, l),
    size,
    low,
  );
  const bits = keptInStep(body, (v) => i32x4.sub(v, base), raised);
  const exponent = keptInStep(
    body,
    (b, l) => i32x4.sub(i32x4.shr_s(b, i32.const(23)), v128.and(l, constants.splatWord(RAISED_BY))),
    bits,
    low,
  );
  const mantissa = keptInStep(body, (b) => i32x4.add(v128.and(b, constants.splatWord(0x7fffff)), base), bits);
  return { exponent, mantissa };
}

/** (log(1 + f) - f + f²/2) / f³ for √½ ≤ 1 + f ≤ √2. */
const LOGARITHM = [
  -0.0763446018, 0.127615631, -0.1316019, 0.142017603, -0.166233569, 0.200012267, -0.250008196, 0.333333313,
] as const;

/** ln 2 in two parts, as in e^x. */
const LN2 = [0.693359375, -2.1219444e-4] as const;

/** The logarithm of what is no positive number: -∞ of 0, NaN of less, ∞ and NaN of themselves. */
const special = (result: Wide, x: Wide, body: Body): Wide => {
  const { constants } = body;
  const proper = inStep(
    body,
    (y, v) => v128.bitselect(y, v, f32x4.lt(v, constants.splat(Infinity))),
    result,
    x,
  );
  const positive = inStep(body, (y, v) => v128.or(y, f32x4.lt(v, constants.splat(0))), proper, x);
  return inStep(
    body,
    (y, v) => v128.bitselect(constants.splat(-Infinity), y, f32x4.eq(v, constants.splat(0))),
    positive,
    x,
  );
};

/** The natural logarithm: n ln 2 + log m. x is in variables. */
export function log(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const { exponent, mantissa } = parts(x, body);
  const n = keptInStep(body, f32x4.convert_i32x4_s, exponent);
  const f = keptInStep(body, (m) => f32x4.sub(m, constants.splat(1)), mantissa);
  const p = polynomial(body, f, LOGARITHM);
  const square = keptInStep(body, (v) => f32x4.mul(v, v), f);
  const cube = inStep(body, f32x4.mul, f, square);
  const lower = inStep(body, (m) => f32x4.mul(m, constants.splat(LN2[1])), n);
  const third = inStep(body, (q, c, l) => multiplyAdd(machine, q, c, l), p, cube, lower);
  const second = inStep(body, (s, t) => multiplyAdd(machine, s, constants.splat(-0.5), t), square, third);
  const sum = inStep(body, f32x4.add, f, second);
  const whole = inStep(body, (m, s) => multiplyAdd(machine, m, constants.splat(LN2[0]), s), n, sum);
  return special(whole, x, body);
}

/** (log(m) - 2 s) / s for s = (m - 1) / (m + 1), in powers of s² (FreeBSD's e_log.c, Lg7 to Lg1): right to 2^-58. */
const ATANH = [
  1.479819860511658591e-1, 1.531383769920937332e-1, 1.818357216161805012e-1, 2.222219843214978396e-1,
  2.857142874366239149e-1, 3.999999999940941908e-1, 6.66666666666673513e-1,
] as const;

/** log m of a mantissa, in float64. */
export function logOfMantissa(mantissa: Wide, body: Body): Doubles {
  const { constants, machine } = body;
  const one = constants.splatDouble(1);
  const m = promoted(mantissa, body);
  const s = doublesInStep(body, (v) => f64x2.div(f64x2.sub(v, one), f64x2.add(v, one)), m);
  const z = doublesInStep(body, (v) => f64x2.mul(v, v), s);
  const p = doublesPolynomial(body, z, ATANH);
  const rest = doublesInStep(
    body,
    (q, v) => multiplyAddDoubles(machine, q, v, constants.splatDouble(2)),
    p,
    z,
  );
  return doublesInStep(body, f64x2.mul, rest, s);
}

/**
 * The natural logarithm in float64, rounded once to float32: to the nearest one, so that what is decided by it is decided as elsewhere.
 * x is in variables.
 */
export function preciseLog(x: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const { exponent, mantissa } = parts(x, body);
  const n = promotedWholes(exponent, body);
  const sum = doublesInStep(
    body,
    (m, l) => multiplyAddDoubles(machine, m, constants.splatDouble(Math.LN2), l),
    n,
    logOfMantissa(mantissa, body),
  );
  return special(demoted(sum, body), x, body);
}
