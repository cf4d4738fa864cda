import type { TextList } from "../../checkpoint/gguf/text-list.ts";

/**
 * Finds texts of a list by their bytes: a table with open addresses (Knuth, The Art of Computer Programming 3, 6.4, algorithm
 * L) beside the list, as a map of hundreds of thousands of texts takes a tenth of a second and ten times the memory.
 */
export class TextIndex {
  readonly #texts: TextList;
  /** At the place of its hash, or behind it, 1 + the index of a text; 0 where there is none. At least half are. */
  readonly #places: Int32Array;
  /** Drawn anew, so that no file can be made whose texts all have one hash. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  constructor(texts: TextList) {
    this.#texts = texts;
    this.#places = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(1, 2 * texts.length))));
    for (let index = 0; index < texts.length; index++) {
      const place = this.#placeOf(texts.bytes, texts.start(index), texts.end(index));
      if (this.#places[place] === 0) this.#places[place] = index + 1;
    }
  }

  /** The first text that has just the bytes from one place of others up to another; undefined if none has. */
  find(bytes: Uint8Array, start = 0, end = bytes.length): number | undefined {
    const found = this.#places[this.#placeOf(bytes, start, end)]!;
    return found === 0 ? undefined : found - 1;
  }

  /** Where a text stands, or would. */
  #placeOf(bytes: Uint8Array, start: number, end: number): number {
    const places = this.#places;
    const last = places.length - 1;
    let place = hashOf(bytes, start, end, this.#seed) & last;
    while (places[place] !== 0 && !this.#isText(places[place]! - 1, bytes, start, end))
      place = (place + 1) & last;
    return place;
  }

  #isText(index: number, others: Uint8Array, start: number, end: number): boolean {
    const { bytes } = this.#texts;
    const first = this.#texts.start(index);
    if (this.#texts.end(index) - first !== end - start) return false;
    for (let at = start; at < end; at++) if (bytes[first + at - start] !== others[at]) return false;
    return true;
  }
}

/** FNV-1a of 32 bits (draft-eastlake-fnv, 2), from another beginning; its upper half is mixed into the lower, which is used. */
function hashOf(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed | 0;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
