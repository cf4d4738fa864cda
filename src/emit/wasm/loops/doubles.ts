import { invariant } from "../../../support/invariant.ts";
import type { Operation } from "../../loops/tree.ts";
import type { V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { f64x2, i64x2, v128 } from "../assembler/simd.ts";
import { floats } from "../functions/lanes.ts";
import { sinCosOfDoubles } from "../functions/trigonometric.ts";
import { kept } from "../functions/wide.ts";
import type { Pen, SinCos } from "./pen.ts";
import type { Double, Value } from "./values.ts";

/** A function of two lanes of float64. */
type Function2 = (args: readonly V128[], pen: Pen) => V128;

const doubleOfBits = (bits: bigint): number => new Float64Array(BigInt64Array.of(bits).buffer)[0]!;
const MANTISSA = doubleOfBits(0xfffffffffffffn);

/** c₀ + x (c₁ + x (c₂ + …)). */
const series = (x: V128, coefficients: readonly number[], { constants }: Pen): V128 =>
  coefficients
    .map((each) => constants.splatDouble(each))
    .reduceRight((sum, each) => f64x2.add(each, f64x2.mul(x, sum)));

/** 1 / (2k + 1): the series of artanh(s) / s in s², to 1e-17 for m within √2 of 1. */
const ARTANH = Array.from({ length: 12 }, (_, k) => 1 / (2 * k + 1));

/** ln x = e ln 2 + 2 artanh((m - 1) / (m + 1)) for x = m · 2^e with √½ < m ≤ √2; x is positive and normal. */
const log: Function2 = ([x], pen) => {
  const splat = (value: number): V128 => pen.constants.splatDouble(value);
  const held = pen.keep(x!);
  const m = pen.keep(v128.or(v128.and(held, splat(MANTISSA)), splat(1)));
  const isLarge = pen.keep(f64x2.gt(m, splat(Math.SQRT2)));
  // Its exponent becomes the last bits of a float of that size.
  const biased = v128.or(i64x2.shr_u(held, i32.const(52)), splat(2 ** 52));
  const e = f64x2.add(f64x2.sub(biased, splat(2 ** 52 + 1023)), v128.and(isLarge, splat(1)));
  const near = pen.keep(v128.bitselect(f64x2.mul(m, splat(0.5)), m, isLarge));
  const s = pen.keep(f64x2.div(f64x2.sub(near, splat(1)), f64x2.add(near, splat(1))));
  const artanh = f64x2.mul(s, series(pen.keep(f64x2.mul(s, s)), ARTANH, pen));
  return f64x2.add(f64x2.mul(e, splat(Math.LN2)), f64x2.add(artanh, artanh));
};

/** ln 2 in two parts, the first of 33 bits (fdlibm, e_exp.c). */
const LN2 = [6.9314718036912381649e-1, 1.90821492927058770002e-10] as const;

/** 1 / k!: to 1e-17 for |r| ≤ ln 2 / 2. */
const EXPONENTIAL = Array.from({ length: 14 }, (_, k) => {
  let factorial = 1;
  for (let factor = 2; factor <= k; factor++) factorial *= factor;
  return 1 / factorial;
});

/** e^x = 2ⁿ e^r; 2ⁿ has to be a normal number. */
const exp: Function2 = ([x], pen) => {
  const splat = (value: number): V128 => pen.constants.splatDouble(value);
  const held = pen.keep(x!);
  const n = pen.keep(f64x2.nearest(f64x2.mul(held, splat(Math.LOG2E))));
  const first = f64x2.sub(held, f64x2.mul(n, splat(LN2[0])));
  const r = pen.keep(f64x2.sub(first, f64x2.mul(n, splat(LN2[1]))));
  const power = i64x2.shl(f64x2.add(n, splat(1.5 * 2 ** 52 + 1023)), i32.const(52));
  return f64x2.mul(series(r, EXPONENTIAL, pen), power);
};

const binary =
  (make: (x: V128, y: V128) => V128): Function2 =>
  ([x, y]) =>
    make(x!, y!);

const functions: { readonly [N in Operation]?: Function2 } = {
  neg: ([x]) => f64x2.neg(x!),
  abs: ([x]) => f64x2.abs(x!),
  sqrt: ([x]) => f64x2.sqrt(x!),
  exp,
  log,
  add: binary(f64x2.add),
  sub: binary(f64x2.sub),
  mul: binary(f64x2.mul),
  div: binary(f64x2.div),
  min: binary(f64x2.pmin),
  max: binary(f64x2.pmax),
  /** x > 0. */
  pow: ([x, y], pen) => exp([f64x2.mul(y!, log([x!], pen))], pen),
};

const each = (make: Function2, args: readonly Double[], pen: Pen): Double => {
  const half = (part: "low" | "high"): V128[] =>
    args[0]![part].map((_, at) =>
      pen.keep(
        make(
          args.map((arg) => arg[part][at]!),
          pen,
        ),
      ),
    );
  return { kind: "double", low: half("low"), high: half("high") };
};

/** A function of float64; sines and cosines are float32. The arguments are in variables. */
export function applyDouble(op: Operation, args: readonly Double[], pen: Pen): Value {
  if (op === "sin" || op === "cos") {
    const [angle] = args as [Double];
    const both = pen.turned.get(angle.low) ?? keptTurn(angle, pen);
    pen.turned.set(angle.low, both);
    return floats(op === "sin" ? both.sine : both.cosine);
  }
  const make = functions[op];
  invariant(make !== undefined, `no code for ${op} of float64`);
  return each(make, args, pen);
}

function keptTurn(angle: Double, pen: Pen): SinCos {
  const { sine, cosine } = sinCosOfDoubles(angle, pen);
  return { sine: kept(sine, pen), cosine: kept(cosine, pen) };
}
