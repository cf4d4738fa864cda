/** Element types, as `.lmg`, the IR and safetensors headers (in capitals) name them. */
export const dtypes = ["f64", "f32", "f16", "bf16", "i64", "i32", "u32", "i16", "i8", "u8", "bool"] as const;

export type Dtype = (typeof dtypes)[number];

/** Bytes an element takes in memory and in a file. */
export const dtypeBytes: { readonly [D in Dtype]: number } = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  u32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
};

export const isDtype = (word: string): word is Dtype => (dtypes as readonly string[]).includes(word);

export const isFloat = (dtype: Dtype): boolean =>
  dtype === "f64" || dtype === "f32" || dtype === "f16" || dtype === "bf16";

/** Floats of 16 bits. */
export const halves = ["f16", "bf16"] as const satisfies readonly Dtype[];

export type Half = (typeof halves)[number];

export const isHalf = (dtype: Dtype): dtype is Half => dtype === "f16" || dtype === "bf16";

export const isInteger = (dtype: Dtype): boolean => dtype !== "bool" && !isFloat(dtype);

/** The value that an element of `dtype` holds when `value` is stored in it; float64 keeps it. Ties go to even. */
export function roundTo(dtype: Dtype, value: number): number {
  switch (dtype) {
    case "f64":
      return value;
    case "f32":
      return Math.fround(value);
    case "f16":
      return roundToBits(value, 10, -14, 65504);
    case "bf16":
      return roundToBits(value, 7, -126, 3.3895313892515355e38);
    case "bool":
      return value === 0 ? 0 : 1;
    case "i64":
    case "i32":
    case "u32":
    case "i16":
    case "i8":
    case "u8":
      return Math.trunc(value);
  }
}

/** Rounds to a binary float with `bits` stored mantissa bits; below `minExponent` the step no longer shrinks. */
function roundToBits(value: number, bits: number, minExponent: number, largest: number): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), minExponent);
  const step = 2 ** (exponent - bits);
  const scaled = value / step;
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const up = rest > 0.5 || (rest === 0.5 && below % 2 !== 0);
  const rounded = (up ? below + 1 : below) * step;
  if (rounded === 0) return value < 0 ? -0 : 0;
  return Math.abs(rounded) > largest ? Math.sign(value) * Infinity : rounded;
}
