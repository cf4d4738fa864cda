/** How far apart two results are: the largest difference of elements, by the largest element of the first. */
export function differenceOf(expected: Float32Array, actual: Float32Array): number {
  if (expected.length !== actual.length) return Infinity;
  let largest = 0;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(expected[i]! - actual[i]!);
    // What is no number is as wrong as can be, on either side.
    if (Number.isNaN(apart)) return Infinity;
    largest = Math.max(largest, Math.abs(expected[i]!));
    difference = Math.max(difference, apart);
  }
  // Nothing but zeros would agree with anything that does nothing.
  return largest > 0 && Number.isFinite(largest) ? difference / largest : Infinity;
}
