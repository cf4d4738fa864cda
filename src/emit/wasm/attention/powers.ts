import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4 } from "../assembler/simd.ts";
import { inStep, keptInStep, polynomial, type Body, type Wide } from "../functions/wide.ts";
import { multiplyAdd } from "../machine.ts";

/**
 * Rounds to a whole number n when it is added to x from -127 to 0: 1.5 · 2²³ has room on both sides. The last bits of the
 * sum are n + 127, the exponent of 2ⁿ; for n = -127 that is 0.
 */
const ROUNDING = 1.5 * 2 ** 23 + 127;

/** (2^r - 1) / r for |r| ≤ ½, from the highest power: 2^r within 9.2e-8 (Remez' exchange on the relative error). */
const POWER = [1.326472731e-3, 9.671512991e-3, 5.550733582e-2, 2.402224243e-1, 6.931470037e-1];

/**
 * 2^x for x ≤ 0, to 2 units in the last place: half the work of e^x for any x. Below 2^-126 it is 0, so a weight that is
 * no normal float is none. `held` is x where that is above -127, else -127.
 */
export function powerOfTwo(x: Wide, body: Body): { readonly values: Wide; readonly held: Wide } {
  const { constants, machine } = body;
  const rounding = constants.splat(ROUNDING);
  const held = keptInStep(body, (v) => f32x4.pmax(v, constants.splat(-127)), x);
  const bits = keptInStep(body, (v) => f32x4.add(v, rounding), held);
  const r = keptInStep(body, (v, b) => f32x4.sub(v, f32x4.sub(b, rounding)), held, bits);
  const slope = polynomial(body, r, POWER);
  const value = inStep(body, (p, v) => multiplyAdd(machine, p, v, constants.splat(1)), slope, r);
  const values = inStep(body, (v, b) => f32x4.mul(v, i32x4.shl(b, i32.const(23))), value, bits);
  return { values, held };
}
