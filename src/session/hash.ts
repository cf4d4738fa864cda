import { hashText } from "../tensor/hash.ts";
import type { StateTensor } from "./form.ts";

/** Elements of a tensor that are hashed, evenly spaced: whoever trains on changes nearly all, and loading stays as fast. */
const SAMPLES = 1024;

/** Some elements of a tensor, as they come by. */
export class WeightSample {
  readonly #shape: readonly number[];
  readonly #stride: number;
  readonly #bits: Int32Array;

  constructor({ shape }: Pick<StateTensor, "shape">) {
    const size = shape.reduce((product, length) => product * length, 1);
    this.#shape = shape;
    this.#stride = Math.max(1, Math.floor(size / SAMPLES));
    this.#bits = new Int32Array(Math.ceil(size / this.#stride));
  }

  /** Elements that follow each other, the first of which has this place. */
  see(first: number, elements: Float32Array | Int32Array): void {
    const words = new Int32Array(elements.buffer, elements.byteOffset, elements.length);
    for (let at = Math.ceil(first / this.#stride); at * this.#stride < first + words.length; at++)
      this.#bits[at] = words[at * this.#stride - first]!;
  }

  /** All of its elements. */
  seeAll(elements: ArrayLike<number>): void {
    for (let at = 0; at < this.#bits.length; at++) {
      const place = at * this.#stride;
      const isWhole = elements instanceof Int32Array;
      this.see(place, (isWhole ? Int32Array : Float32Array).of(elements[place]!));
    }
  }

  get text(): string {
    return `[${this.#shape.join()}]${bytesText(new Uint8Array(this.#bits.buffer))}`;
  }
}

const bytesText = (bytes: Uint8Array): string =>
  String.fromCharCode.apply(undefined, bytes as unknown as number[]);

export const samplesOf = (
  tensors: ReadonlyMap<string, Pick<StateTensor, "shape">>,
): ReadonlyMap<string, WeightSample> =>
  new Map([...tensors].map(([name, tensor]) => [name, new WeightSample(tensor)]));

/** 64 bits of weights as text: their names, shapes and some elements of each. */
export function hashOfWeights(samples: ReadonlyMap<string, WeightSample>): string {
  const hashes = [0x811c9dc5, 0x01234567];
  for (const [name, sample] of samples)
    hashes.forEach((hash, index) => (hashes[index] = hashText(name + sample.text, hash)));
  return hashes.map((hash) => hash.toString(16).padStart(8, "0")).join("");
}
