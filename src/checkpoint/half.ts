import type { Half } from "../tensor/dtype.ts";
import { Problem } from "./problem.ts";

/** binary16 (IEEE 754) elements to float32, exactly: the bits are moved, subnormals are multiplied out. */
export function decodeF16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) values[i] = (sign === 0 ? 1 : -1) * fraction * 2 ** -24;
    else bits[i] = sign | ((exponent === 0x1f ? 0xff : exponent + 112) << 23) | (fraction << 13);
  }
  return values;
}

/** bfloat16 elements to float32, exactly: they are its upper half. */
export function decodeBf16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** The bits of a number that binary16 holds exactly: `roundTo("f16", …)` makes one. */
export function encodeF16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size === Infinity) return sign | 0x7c00;
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | (size * 2 ** (10 - exponent) - 1024);
}

/** bfloat16 elements of numbers that bfloat16 holds exactly: `roundTo("bf16", …)` makes them. */
export function encodeBf16(values: ArrayLike<number>): Uint16Array {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(bits, (word) => word >>> 16);
}

/** The largest float32 that binary16 rounds to a finite number is below this. */
const F16_END = 65520;

/** The nearest halves, ties to even; what is no number stays none. A number beyond those of f16 is a problem of `name`. */
export function roundToHalves(half: Half, values: Float32Array, name: string): Uint16Array | Problem {
  const copy = Float32Array.from(values);
  const words = new Uint32Array(copy.buffer);
  if (half === "bf16") return Uint16Array.from(words, roundToBf16);
  const far = copy.findIndex((value) => Math.abs(value) >= F16_END && Math.abs(value) < Infinity);
  if (far >= 0)
    return new Problem(
      "E718",
      `${name}: an element is ${copy[far]}, and f16 ends at 65504`,
      "bf16 has the range of f32: --quantize bf16",
    );
  return Uint16Array.from(words, (word, index) => roundToF16(word, copy[index]!));
}

/** A NaN is made a quiet one, as its low half may be all that tells it from infinity. */
const roundToBf16 = (word: number): number =>
  (word & 0x7fffffff) > 0x7f800000 ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;

function roundToF16(word: number, value: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  if (size === 0x7f800000) return sign | 0x7c00;
  // Below the normal numbers all are multiples of 2^-24, which the last bit of float32 is from 1/2 to 1.
  if (size < 0x38800000) return sign | Math.round((Math.fround(Math.abs(value) + 0.5) - 0.5) * 2 ** 24);
  return sign | ((size + 0xfff + ((size >>> 13) & 1) - 0x38000000) >>> 13);
}
