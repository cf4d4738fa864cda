import { hashText } from "./hash.ts";
import type { HostTensor } from "./host.ts";
import { sizeOf } from "./host.ts";
import { RandomStream, threefry2x32 } from "./random-stream.ts";

export { RandomStream, threefry2x32 };

/**
 * 32 random bits for every pair of counters, for one seed and one name: what is drawn at one place depends on no other,
 * so that a reader may begin anywhere.
 */
export function randomTable(seed: number, name: string): (row: number, column: number) => number {
  const key0 = seed >>> 0;
  const key1 = hashText(name);
  return (row, column) => threefry2x32(key0, key1, row, column)[0];
}

/** A standard normal for each place and attempt, by Box and Muller; the first attempts are those of a `RandomStream`. */
export function normalTable(seed: number, name: string): (place: number, attempt: number) => number {
  const [key0, key1] = [seed >>> 0, hashText(name)];
  return (place, attempt) => {
    const [a, b] = threefry2x32(key0, key1, place, 1 + attempt);
    return Math.sqrt(-2 * Math.log((a + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * b) / 2 ** 32);
  };
}

/** A float tensor with elements uniform in [low, high). */
export function randomTensor(shape: readonly number[], random: RandomStream, low = -1, high = 1): HostTensor {
  const data = Float64Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random.uniform());
  return { dtype: "f32", shape, data };
}
