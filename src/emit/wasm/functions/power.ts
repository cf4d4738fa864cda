import type { V128 } from "../assembler/code.ts";
import { branchIf, loop } from "../assembler/control.ts";
import { f32x4, f64x2, i32x4, v128 } from "../assembler/simd.ts";
import { i32 } from "../assembler/numbers.ts";
import { demoted, doublesInStep, lowWords, multiplyAddDoubles, promoted, promotedWholes } from "./doubles.ts";
import { headOf, powerOfParts } from "./exponential.ts";
import { logOfMantissa, parts } from "./logarithm.ts";
import { inStep, kept, keptInStep, type Body, type Wide } from "./wide.ts";

/** 1 / √x. */
export const rsqrt = (x: Wide, body: Body): Wide =>
  inStep(body, (v) => f32x4.div(body.constants.splat(1), f32x4.sqrt(v)), x);

/** Rounds a float64 as it is added; the last bits of the sum are n + 254. */
const ROUNDING = 1.5 * 2 ** 52 + 254;

/** 2^t is 0 below and ∞ above. */
const LEAST = -200;
const MOST = 200;

/**
 * x to the power y: |x|^y = 2^(y log₂|x|) in float64, since what the exponent lacks is multiplied by it; then JavaScript's special
 * cases. Both are in variables.
 */
export function pow(x: Wide, y: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const double = (value: number): V128 => constants.splatDouble(value);
  const { exponent, mantissa } = parts(x, body);
  const logarithm = doublesInStep(
    body,
    (m, n) => multiplyAddDoubles(machine, m, double(Math.LOG2E), n),
    logOfMantissa(mantissa, body),
    promotedWholes(exponent, body),
  );
  const product = doublesInStep(
    body,
    (l, v) => f64x2.pmax(f64x2.pmin(f64x2.mul(l, v), double(MOST)), double(LEAST)),
    logarithm,
    promoted(y, body),
  );
  const sum = doublesInStep(body, (t) => f64x2.add(t, double(ROUNDING)), product);
  const rest = doublesInStep(
    body,
    (t, s) => f64x2.mul(f64x2.sub(t, f64x2.sub(s, double(ROUNDING))), double(Math.LN2)),
    product,
    sum,
  );
  const bits = kept(lowWords(sum, body), body);
  const raised = powerOfParts(bits, kept(demoted(rest, body), body), body);
  const power = inStep(body, f32x4.mul, headOf(raised, body), raised.scale);
  return specialPowers(power, x, y, body);
}

/**
 * What the logarithm does not tell of x^y: powers of 0 and ∞, the sign of negative numbers to a whole power and NaN of them to
 * another, 1 of anything to 0. A mask of true lanes is NaN.
 */
function specialPowers(power: Wide, x: Wide, y: Wide, body: Body): Wide {
  const { constants } = body;
  const zero = constants.splat(0);
  const one = constants.splat(1);
  const size = keptInStep(body, f32x4.abs, x);
  const isProper = keptInStep(
    body,
    (s) => v128.and(f32x4.gt(s, zero), f32x4.lt(s, constants.splat(Infinity))),
    size,
  );
  const improper = inStep(body, (s, e) => v128.bitselect(s, f32x4.div(one, s), f32x4.gt(e, zero)), size, y);
  const magnitude = inStep(body, v128.bitselect, power, improper, isProper);
  const isWhole = keptInStep(body, (e) => f32x4.eq(f32x4.trunc(e), e), y);
  const half = inStep(body, (e) => f32x4.mul(e, constants.splat(0.5)), y);
  const isOdd = inStep(
    body,
    (w, h) => v128.andnot(w, f32x4.eq(f32x4.trunc(h), h)),
    isWhole,
    kept(half, body),
  );
  const signed = inStep(
    body,
    (m, o, v) => v128.xor(m, v128.and(v128.and(v, o), constants.splat(-0))),
    magnitude,
    isOdd,
    x,
  );
  const isNan = inStep(
    body,
    (v, e, p, w) => v128.or(f32x4.ne(e, e), v128.andnot(v128.and(p, f32x4.lt(v, zero)), w)),
    x,
    y,
    isProper,
    isWhole,
  );
  return inStep(body, (s, n, e) => v128.bitselect(one, v128.or(s, n), f32x4.eq(e, zero)), signed, isNan, y);
}

/** Whole numbers by squaring, modulo 2³²; a negative exponent leaves the whole part of a fraction. Both are in variables. */
export function powOfWholes(x: Wide, y: Wide, body: Body): Wide {
  const { constants, writer, push } = body;
  const one = constants.splatWord(1);
  const each = x.map((base, index) => {
    const [result, square, left] = [writer.local("v128"), writer.local("v128"), writer.local("v128")];
    const exponent = y[index]!;
    const isNegative = i32x4.lt_s(exponent, v128.zero);
    push(
      square.set(base),
      result.set(v128.andnot(one, v128.andnot(isNegative, i32x4.eq(i32x4.abs(base), one)))),
      left.set(v128.bitselect(v128.and(exponent, one), exponent, isNegative)),
    );
    return { result, square, left };
  });
  push(
    loop((again) => [
      ...each.flatMap(({ result, square, left }) => [
        result.set(
          v128.bitselect(i32x4.mul(result.get, square.get), result.get, i32x4.neg(v128.and(left.get, one))),
        ),
        square.set(i32x4.mul(square.get, square.get)),
        left.set(i32x4.shr_u(left.get, i32.const(1))),
      ]),
      branchIf(again, v128.any_true(each.map(({ left }) => left.get).reduce((a, b) => v128.or(a, b)))),
    ]),
  );
  return each.map(({ result }) => result.get);
}
