import { f32x4, i32x4 } from "../assembler/simd.ts";
import { i32 } from "../assembler/numbers.ts";
import { multiplyAdd } from "../machine.ts";
import type { V128 } from "../assembler/code.ts";
import { inStep, kept, keptInStep, polynomial, type Body, type Wide } from "./wide.ts";

/** e^-150 and e^89 are 0 and ∞ of float32. */
const LEAST = -150;
const MOST = 89;

/**
 * Rounds to a whole number when it is added: 1.5 · 2²³, the first float of its size with room on both sides. The last bits of
 * the sum are n + 254, whose halves are the exponents, with their bias of 127, of two powers of two with the product 2ⁿ.
 */
const ROUNDING = 1.5 * 2 ** 23 + 254;

/** ln 2 in two parts (Cephes, expf.c): the first has nine bits, so that its product with n is exact. */
const LN2 = [0.693359375, -2.1219444e-4] as const;

/** (e^r - 1 - r) / r² for |r| ≤ ln 2 / 2, from the highest power (Cephes, expf.c). */
const EXPONENTIAL = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
];

/**
 * e^x = head · scale, both in variables. The head is within 2^±108 and e^x to the last bit or two; the product is rounded once more
 * where it is below 2^-126. So what is multiplied by e^x takes the head first.
 */
export interface Power {
  readonly head: Wide;
  readonly scale: Wide;
}

/** x + rest, where the rest is small; x ≤ 89. Numbers below -150 are taken for it. */
export function power(x: Wide, body: Body, rest?: Wide): Power {
  const { constants, machine } = body;
  const fused = (a: V128, b: V128, c: V128): V128 => multiplyAdd(machine, a, b, c);
  const splat = (value: number): V128 => constants.splat(value);
  const held = keptInStep(body, (v) => f32x4.pmax(v, splat(LEAST)), x);
  const bits = keptInStep(body, (v) => fused(v, splat(Math.LOG2E), splat(ROUNDING)), held);
  const n = keptInStep(body, (b) => f32x4.sub(b, splat(ROUNDING)), bits);
  const first = inStep(body, (v, m) => fused(m, splat(-LN2[0]), v), held, n);
  const second = inStep(body, (v, m) => fused(m, splat(-LN2[1]), v), first, n);
  const r = kept(rest === undefined ? second : inStep(body, f32x4.add, second, rest), body);
  const p = polynomial(body, r, EXPONENTIAL);
  const square = inStep(body, (v) => f32x4.mul(v, v), r);
  const over = inStep(body, fused, p, square, r);
  const value = inStep(body, (v) => f32x4.add(v, splat(1)), over);
  const half = keptInStep(body, (b) => i32x4.shr_s(b, i32.const(1)), bits);
  const exponent = (b: V128): V128 => i32x4.shl(b, i32.const(23));
  const head = keptInStep(body, (v, h) => f32x4.mul(v, exponent(h)), value, half);
  const scale = keptInStep(body, (b, h) => exponent(i32x4.sub(b, h)), bits, half);
  return { head, scale };
}

/** e^x. */
export function exp(x: Wide, body: Body): Wide {
  const { constants } = body;
  const { head, scale } = power(
    inStep(body, (v) => f32x4.pmin(v, constants.splat(MOST)), x),
    body,
  );
  return inStep(body, f32x4.mul, head, scale);
}
