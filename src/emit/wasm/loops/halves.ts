import type { V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import type { Pen } from "./pen.ts";

const SIGN = 0x80000000 | 0;

/** Bits of a float without the last so many, rounded to the nearest, ties to even; a carry goes into the exponent. */
const roundedBits = (x: V128, bits: number, { constants }: Pen): V128 => {
  const isOdd = v128.and(i32x4.shr_u(x, i32.const(bits)), constants.splatWord(1));
  const up = i32x4.add(isOdd, constants.splatWord(2 ** (bits - 1) - 1));
  return v128.and(i32x4.add(x, up), constants.splatWord(-(2 ** bits)));
};

/** NaN stays what it is. */
const exceptNan = (rounded: V128, x: V128): V128 => v128.bitselect(rounded, x, f32x4.eq(x, x));

/** The nearest bfloat16, of which float32 is an extension. */
export function asBfloat16(x: V128, pen: Pen): V128 {
  const held = pen.keep(x);
  return exceptNan(roundedBits(held, 16, pen), held);
}

/** 2^-14 is the smallest normal number of 16 bits: below, all are multiples of 2^-24, which is the last bit of floats from ½ on. */
const LEAST_NORMAL = 2 ** -14;
/** From here on numbers round to 2¹⁶, which is infinite. */
const OVERFLOW = 65520;

/** The nearest number of 16 bits, as IEEE 754 has them. */
export function asHalf(x: V128, pen: Pen): V128 {
  const splat = (value: number): V128 => pen.constants.splat(value);
  const held = pen.keep(x);
  const size = pen.keep(f32x4.abs(held));
  const small = f32x4.sub(f32x4.add(size, splat(0.5)), splat(0.5));
  const normal = v128.bitselect(small, roundedBits(size, 13, pen), f32x4.lt(size, splat(LEAST_NORMAL)));
  const finite = v128.bitselect(splat(Infinity), normal, f32x4.ge(size, splat(OVERFLOW)));
  const signed = v128.or(finite, v128.and(held, pen.constants.splatWord(SIGN)));
  return exceptNan(signed, held);
}
