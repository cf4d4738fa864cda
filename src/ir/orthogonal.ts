import type { RandomStream } from "../tensor/random.ts";

/**
 * A random matrix of a shape [N, ..], its later axes taken as one, whose rows (or, if there are more rows than columns,
 * columns) are at right angles to each other and `gain` long: Saxe et al. 2014, uniform among all such (Haar), as
 * torch.nn.init.orthogonal_. O(N² · M) for the short side N and the long side M.
 */
export function orthogonalElements(
  shape: readonly number[],
  gain: number,
  random: RandomStream,
): readonly number[] {
  const [rows = 1, ...rest] = shape;
  const columns = rest.reduce((product, size) => product * size, 1);
  const isWide = rows <= columns;
  const [count, length] = isWide ? [rows, columns] : [columns, rows];
  const vectors = orthonormal(count, length, random);
  const elements: number[] = [];
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++)
      elements.push(gain * (isWide ? vectors[row]![column]! : vectors[column]![row]!));
  return elements;
}

/** Normal vectors made orthonormal by Gram and Schmidt, each twice against those before it, which leaves no error to see. */
function orthonormal(count: number, length: number, random: RandomStream): readonly Float64Array[] {
  const vectors: Float64Array[] = [];
  for (let index = 0; index < count; index++) {
    const vector = Float64Array.from({ length }, () => random.normal());
    for (let round = 0; round < 2; round++) for (const other of vectors) removePart(vector, other);
    const norm = Math.sqrt(dot(vector, vector));
    for (let i = 0; i < length; i++) vector[i]! /= norm;
    vectors.push(vector);
  }
  return vectors;
}

/** Takes from a vector what points along a unit vector. */
function removePart(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let i = 0; i < vector.length; i++) vector[i]! -= along * unit[i]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
