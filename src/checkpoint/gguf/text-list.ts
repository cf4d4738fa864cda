/** A list of texts, of which vocabularies have hundreds of thousands: their bytes lie together, and are decoded when they are read. */
export class TextList {
  /** The bytes of all texts, each with what stands before it. */
  readonly bytes: Uint8Array;
  readonly #ends: Uint32Array;
  readonly #before: number;

  /** `ends` says where each text ends; `before` is how many bytes stand in front of each that are not its own. */
  constructor(bytes: Uint8Array, ends: Uint32Array, before = 0) {
    this.bytes = bytes;
    this.#ends = ends;
    this.#before = before;
  }

  static of(texts: readonly string[]): TextList {
    const utf8 = new TextEncoder();
    const encoded = texts.map((text) => utf8.encode(text));
    const ends = new Uint32Array(texts.length);
    let end = 0;
    for (const [index, text] of encoded.entries()) ends[index] = end += text.length;
    const bytes = new Uint8Array(end);
    for (const [index, text] of encoded.entries()) bytes.set(text, ends[index]! - text.length);
    return new TextList(bytes, ends);
  }

  get length(): number {
    return this.#ends.length;
  }

  /** Where the bytes of a text begin and end. */
  start(index: number): number {
    return (index === 0 ? 0 : this.#ends[index - 1]!) + this.#before;
  }

  end(index: number): number {
    return this.#ends[index]!;
  }

  /** The text at a place; what is no UTF-8 in it is U+FFFD. Undefined where there is none. */
  at(index: number): string | undefined {
    return Number.isInteger(index) && index >= 0 && index < this.length ? this.#decoded(index) : undefined;
  }

  all(): readonly string[] {
    return Array.from({ length: this.length }, (_, index) => this.#decoded(index));
  }

  #decoded(index: number): string {
    return decoder.decode(this.bytes.subarray(this.start(index), this.end(index)));
  }
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
