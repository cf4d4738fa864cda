import type { V128 } from "../assembler/code.ts";
import { f32x4, f64x2, v128 } from "../assembler/simd.ts";
import { multiplyAdd, subtractProduct } from "../machine.ts";
import { demoted, doublesInStep, lowWords, multiplyAddDoubles, promoted } from "./doubles.ts";
import { headOf, power, powerLessOne, powerOfParts, timesHead, withSign } from "./exponential.ts";
import { gatedGelu, gatedGeluTanh, rectified, TAIL_END, TANH_END } from "./gates.ts";
import { inStep, kept, keptInStep, polynomial, type Body, type Wide } from "./wide.ts";

/** -log(erfc(a)) / a for 0 ≤ a ≤ 4. */
const ERFC = [
  -0.00000925631139, 0.000117641663, -0.000632838171, 0.00166702969, -0.000160398151, -0.0191530623,
  0.102777831, 0.636619389, 1.12837923,
] as const;

/** The error function of |x| is 1 - e^(-|x| p(|x|)); from 4 on it is 1. x is in variables. */
export function erf(x: Wide, body: Body): Wide {
  const { constants } = body;
  const size = keptInStep(body, (v) => f32x4.pmin(f32x4.abs(v), constants.splat(4)), x);
  const p = polynomial(body, size, ERFC);
  const exponent = inStep(body, (a, q) => f32x4.neg(f32x4.mul(a, q)), size, p);
  return withSign(powerLessOne(exponent, body), x, body);
}

/** Φ(-a) = e^(-a²/2) p(u) t with t = 1 / (1 + 0.25 a), u = 0.25 a t - ½: near 0 a polynomial in t itself would feel how t is rounded. */
const TAIL_SLOPE = 0.25;
const TAIL = [
  -0.0169515554, 0.0114156958, 0.0502268635, -0.0561932363, -0.0602000281, 0.241615057, -0.373046964,
  0.387136906, -0.303948283, 0.188821286,
] as const;

/** The first twelve bits of a float: their square is exact. */
const UPPER_HALF = -4096;

/** x Φ(x) = max(x, 0) - |x| Φ(-|x|); what follows the first line is for a product and a sum that are two instructions. x is in variables. */
export function gelu(x: Wide, body: Body): Wide {
  if (body.machine.fma) return gatedGelu(x, body);
  const { constants, machine } = body;
  const splat = (value: number): V128 => constants.splat(value);
  const size = keptInStep(body, (v) => f32x4.pmin(f32x4.abs(v), splat(TAIL_END)), x);
  const slope = keptInStep(body, (a) => f32x4.mul(a, splat(TAIL_SLOPE)), size);
  const over = keptInStep(body, (b) => f32x4.add(b, splat(1)), slope);
  const t = keptInStep(body, (d) => f32x4.div(splat(1), d), over);
  // -a²/2 in two parts, of the upper half of a's bits and of the rest. The rest takes in by what 1 + a/4 was rounded: as it is small,
  // 1 / (1 + small) = e^-small.
  const upper = keptInStep(body, (a) => v128.and(a, constants.splatWord(UPPER_HALF)), size);
  const most = inStep(body, (h) => f32x4.mul(f32x4.mul(h, h), splat(-0.5)), upper);
  const lost = inStep(body, (b, d) => f32x4.sub(b, f32x4.sub(d, splat(1))), slope, over);
  const lower = inStep(
    body,
    (a, h) => f32x4.mul(f32x4.mul(f32x4.sub(a, h), f32x4.add(a, h)), splat(-0.5)),
    size,
    upper,
  );
  const rest = inStep(body, (l, v, w) => subtractProduct(machine, l, v, w), lost, t, lower);
  const raised = power(most, body, rest);
  // Of the two forms the one that is rounded less: t is near 1 at first, and its rest in the tail.
  const u = keptInStep(
    body,
    (b, v) =>
      v128.bitselect(
        multiplyAdd(machine, b, v, splat(-0.5)),
        f32x4.sub(splat(0.5), v),
        f32x4.lt(b, splat(1)),
      ),
    slope,
    t,
  );
  const factor = inStep(body, f32x4.div, timesTail(size, u, body), over);
  const tail = timesHead(kept(factor, body), raised, body);
  return lessTail(x, tail, raised.scale, body);
}

/** a p(u): the last steps are float64, rounded once; in float32 it was 4.24 ulp off. */
function timesTail(a: Wide, u: Wide, body: Body): Wide {
  const { constants, machine } = body;
  const rest = promoted(polynomial(body, u, TAIL.slice(0, -1)), body);
  const last = constants.splatDouble(TAIL.at(-1)!);
  const p = doublesInStep(body, (r, v) => multiplyAddDoubles(machine, r, v, last), rest, promoted(u, body));
  return demoted(doublesInStep(body, f64x2.mul, promoted(a, body), p), body);
}

/** max(x, 0) - tail · scale, whose sign is that of x even where it is 0. */
const lessTail = (x: Wide, tail: Wide, scale: Wide, body: Body): Wide =>
  withSign(
    inStep(body, (v, q, s) => subtractProduct(body.machine, q, s, rectified(v, body)), x, tail, scale),
    x,
    body,
  );

/** x sigmoid(v) for v = x (C₁ + C₃ x²). */
const TANH_SLOPE = 2 * Math.sqrt(2 / Math.PI);
const TANH_CUBE = 0.044715 * TANH_SLOPE;

/** Rounds a float64 as it is added, as `power` does with a float32. */
const ROUNDING_DOUBLE = 1.5 * 2 ** 52 + 254;

/**
 * x sigmoid(v) = max(x, 0) - |x| e^-|v| / (1 + e^-|v|). What v lacks of its last bits would be multiplied by v in the result: it is
 * a float64, where a product and a sum are two instructions. x is in variables.
 */
export function gelu_tanh(x: Wide, body: Body): Wide {
  if (body.machine.fma) return gatedGeluTanh(x, body);
  const { constants, machine } = body;
  const double = (value: number): V128 => constants.splatDouble(value);
  const size = keptInStep(body, (v) => f32x4.pmin(f32x4.abs(v), constants.splat(TANH_END)), x);
  const wide = promoted(size, body);
  const square = doublesInStep(body, (a) => f64x2.mul(a, a), wide);
  const slope = doublesInStep(
    body,
    (z) => multiplyAddDoubles(machine, z, double(-TANH_CUBE), double(-TANH_SLOPE)),
    square,
  );
  const exponent = doublesInStep(body, f64x2.mul, wide, slope);
  const sum = doublesInStep(
    body,
    (v) => multiplyAddDoubles(machine, v, double(Math.LOG2E), double(ROUNDING_DOUBLE)),
    exponent,
  );
  const rest = doublesInStep(
    body,
    (v, s) => multiplyAddDoubles(machine, f64x2.sub(s, double(ROUNDING_DOUBLE)), double(-Math.LN2), v),
    exponent,
    sum,
  );
  const bits = kept(lowWords(sum, body), body);
  const raised = powerOfParts(bits, kept(demoted(rest, body), body), body);
  const head = headOf(raised, body);
  const { scale } = raised;
  const over = inStep(body, (h, s) => f32x4.add(f32x4.mul(h, s), constants.splat(1)), head, scale);
  const tail = inStep(body, (a, h, d) => f32x4.div(f32x4.mul(a, h), d), size, head, over);
  return lessTail(x, tail, scale, body);
}
