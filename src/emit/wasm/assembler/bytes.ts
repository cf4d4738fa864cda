import { invariant } from "../../../support/invariant.ts";

/** Where a branch leads: the end of a block, or the start of a loop. */
export type Label = symbol;

/** A growing piece of binary code. Instructions write themselves into it one after the other. */
export class Bytes {
  #data = new Uint8Array(256);
  #length = 0;
  /** The blocks and loops that are open, from the outside. */
  readonly #labels: Label[] = [];

  get length(): number {
    return this.#length;
  }

  /** A copy of what has been written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#data.slice(0, this.#length);
  }

  byte(value: number): void {
    if (this.#length === this.#data.length) this.#grow(1);
    this.#data[this.#length++] = value;
  }

  bytes(values: ArrayLike<number>): void {
    this.#grow(values.length);
    this.#data.set(values, this.#length);
    this.#length += values.length;
  }

  /** A whole number from 0 to 2³² - 1 as LEB128: seven bits a byte, the lowest first. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 127) {
      this.byte((rest & 127) | 128);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** A whole number of 32 bits with its sign. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.byte((rest & 127) | 128);
      rest >>= 7;
    }
    this.byte(rest & 127);
  }

  /** A name: its length in bytes, and its UTF-8. */
  text(value: string): void {
    this.sized((to) => {
      to.bytes(new TextEncoder().encode(value));
    });
  }

  /** What is written, after how many bytes it takes. */
  sized(write: (to: Bytes) => void): void {
    const content = new Bytes();
    write(content);
    this.unsigned(content.length);
    this.bytes(content.#data.subarray(0, content.length));
  }

  /** A list: how many, and each. */
  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.unsigned(items.length);
    items.forEach(write);
  }

  open(label: Label): void {
    this.#labels.push(label);
  }

  close(): void {
    this.#labels.pop();
  }

  /** How many blocks lie between here and the label. */
  depthOf(label: Label): number {
    const index = this.#labels.lastIndexOf(label);
    invariant(index >= 0, "a branch leads out of no block that is open");
    return this.#labels.length - 1 - index;
  }

  #grow(by: number): void {
    if (this.#length + by <= this.#data.length) return;
    const data = new Uint8Array(Math.max(2 * this.#data.length, this.#length + by));
    data.set(this.#data.subarray(0, this.#length));
    this.#data = data;
  }
}
