import { hashText } from "./hash.ts";

/**
 * Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), as Random123 and
 * JAX have it: a pure function of key and counter, so every target gets the same bits for the same element. Only adds,
 * rotations and xors of 32 bits, which WGSL and WebAssembly have too.
 */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): [number, number] {
  const keys = [key0 | 0, key1 | 0, key0 ^ key1 ^ 0x1bd11bda];
  let x = (counter0 + keys[0]!) | 0;
  let y = (counter1 + keys[1]!) | 0;
  for (let group = 0; group < 5; group++) {
    const rotations = group % 2 === 0 ? [13, 15, 26, 6] : [17, 29, 16, 24];
    for (const rotation of rotations) {
      x = (x + y) | 0;
      y = (y << rotation) | (y >>> (32 - rotation));
      y ^= x;
    }
    x = (x + keys[(group + 1) % 3]!) | 0;
    y = (y + keys[(group + 2) % 3]! + group + 1) | 0;
  }
  return [x >>> 0, y >>> 0];
}

/** A stream of numbers for one seed and one name (a parameter's, say): reordering the others changes nothing. */
export class RandomStream {
  readonly #key: readonly [number, number];
  #counter = 0;

  constructor(seed: number, name = "") {
    this.#key = [seed >>> 0, hashText(name)];
  }

  /** Uniform in [0, 1), with 32 random bits. */
  uniform(): number {
    const [bits] = threefry2x32(this.#key[0], this.#key[1], this.#counter++, 0);
    return bits / 2 ** 32;
  }

  /** Standard normal, by Box and Muller from two words of one counter. */
  normal(): number {
    const [a, b] = threefry2x32(this.#key[0], this.#key[1], this.#counter++, 1);
    return Math.sqrt(-2 * Math.log((a + 1) / 2 ** 32)) * Math.cos((2 * Math.PI * b) / 2 ** 32);
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.uniform() * end);
  }
}
