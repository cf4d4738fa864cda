import { branchIf, loop } from "../assembler/control.ts";
import { f64x2, i32x4, v128 } from "../assembler/simd.ts";
import { demoted, doublesInStep, promoted, promotedWholes } from "./doubles.ts";
import { inStep, kept, type Body, type Wide } from "./wide.ts";

/** The first 29 bits of a float64: times a float32 that is exact. */
const UPPER_BITS = -(1n << 24n);

/**
 * The remainder that has the sign of y, exactly: in float64 whole multiples of y are taken off, of 29 bits each, until less than y is
 * left. A quotient that was rounded up leaves a rest of the other sign, which is put right at the end.
 */
export function modulo(x: Wide, y: Wide, body: Body): Wide {
  const { constants, writer, push } = body;
  const [from, by] = [promoted(x, body), promoted(y, body)];
  const divisors = [...by.low, ...by.high];
  const rests = [...from.low, ...from.high].map((value) => {
    const rest = writer.local("v128");
    push(rest.set(value));
    return rest;
  });
  push(
    loop((again) => [
      ...rests.map((rest, index) => {
        const d = divisors[index]!;
        const times = f64x2.trunc(v128.and(f64x2.div(rest.get, d), constants.splatLong(UPPER_BITS)));
        const less = f64x2.sub(rest.get, f64x2.mul(times, d));
        // With an infinite y 0 · y is NaN, where x is the rest.
        return rest.set(v128.bitselect(rest.get, less, f64x2.lt(f64x2.abs(rest.get), f64x2.abs(d))));
      }),
      branchIf(
        again,
        v128.any_true(
          rests
            .map((rest, index) => f64x2.ge(f64x2.abs(rest.get), f64x2.abs(divisors[index]!)))
            .reduce((a, b) => v128.or(a, b)),
        ),
      ),
    ]),
  );
  const left = rests.map((rest) => rest.get);
  const half = from.low.length;
  const zero = constants.splatDouble(0);
  const signed = doublesInStep(
    body,
    (r, d) =>
      f64x2.add(r, v128.and(d, v128.and(f64x2.ne(r, zero), v128.xor(f64x2.lt(r, zero), f64x2.lt(d, zero))))),
    { low: left.slice(0, half), high: left.slice(half) },
    by,
  );
  return demoted(signed, body);
}

/** The same of whole numbers, whose quotient float64 cannot round to another whole one; 0 by 0 is 0. */
export function moduloOfWholes(x: Wide, y: Wide, body: Body): Wide {
  const rest = doublesInStep(
    body,
    (v, d) => f64x2.sub(v, f64x2.mul(f64x2.floor(f64x2.div(v, d)), d)),
    promotedWholes(x, body),
    promotedWholes(y, body),
  );
  return kept(
    inStep(
      body,
      (low, high) =>
        v128.shuffle(i32x4.trunc_sat_f64x2_s_zero(low), i32x4.trunc_sat_f64x2_s_zero(high), [0, 1, 4, 5]),
      rest.low,
      rest.high,
    ),
    body,
  );
}
