/** The shortest decimal that is the same float of 32 bits: 1e-5 for 9.999999747378752e-6. */
export function shortest(value: number): number {
  if (!Number.isFinite(value)) return value;
  const rounded = Math.fround(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === rounded) return short;
  }
  return value;
}

/** Whether two numbers are one, but for the rounding of some operations in 32 bits. */
export const isNear = (a: number, b: number): boolean =>
  Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b));

/** What attention multiplies its scores by: K^-0.5 itself where the file has it in 32 bits. */
export function scaleOf(scale: number, width: number | undefined): number {
  const usual = (width ?? NaN) ** -0.5;
  return isNear(scale, usual) ? usual : shortest(scale);
}
