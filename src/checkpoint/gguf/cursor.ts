import { decodeUtf8 } from "../json.ts";
import { Problem, ProblemError } from "../problem.ts";

/** A header with a vocabulary of 262,144 tokens has 7 MB; in bytes. */
export const MAX_HEADER = 2 ** 28;

/** Thrown where the bytes end before the header does; `needs` is how many of the file's first bytes the next value takes. */
export class NeedsMore extends Error {
  readonly needs: number;

  constructor(needs: number) {
    super(`the header goes on to byte ${needs}`);
    this.needs = needs;
  }
}

/** Gives at least so many of a file's first bytes. */
export type ReadFurther = (length: number) => Uint8Array;

/** Where a header is read: its first bytes, as far as they are at hand or can be read, of a file of `size` bytes. */
export class Cursor {
  at = 0;
  #bytes!: Uint8Array;
  #view!: DataView;
  readonly #size: number;
  readonly #name: string;
  readonly #further: ReadFurther | undefined;

  constructor(bytes: Uint8Array, size: number, name: string, further?: ReadFurther) {
    this.#take(bytes);
    this.#size = size;
    this.#name = name;
    this.#further = further;
  }

  #take(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Bytes of the file behind the cursor. */
  get rest(): number {
    return this.#size - this.at;
  }

  /** Ends the reading. */
  refuse(code: string, message: string, help?: string): never {
    throw new ProblemError([new Problem(code, `${this.#name}: ${message}`, help)]);
  }

  /** Steps over so many bytes; where they begin. */
  skip(count: number, what: string): number {
    if (count > this.rest)
      this.refuse("E731", `the file is truncated: ${what} takes ${count} bytes, and ${this.rest} are left`);
    const needs = this.at + count;
    if (needs > this.#bytes.length) {
      if (this.#further === undefined || needs > MAX_HEADER) throw new NeedsMore(needs);
      this.#take(this.#further(needs));
    }
    this.at += count;
    return this.at - count;
  }

  u32(what: string): number {
    const at = this.skip(4, what);
    return this.#view.getUint32(at, true);
  }

  u64(what: string): bigint {
    const at = this.skip(8, what);
    return this.#view.getBigUint64(at, true);
  }

  /** A number of things of which each takes at least `least` bytes of the file. */
  count(what: string, least: number): number {
    const count = this.u64(what);
    if (count * BigInt(least) > BigInt(this.rest))
      this.refuse(
        "E731",
        `${what} is ${count}, and the ${this.rest} bytes that are left cannot hold so many`,
      );
    return Number(count);
  }

  /** A text: 64 bits of length, then UTF-8. */
  text(what: string): string {
    const length = this.count(`the length of ${what}`, 1);
    const start = this.skip(length, what);
    const text = decodeUtf8(this.#bytes.subarray(start, this.at), `${this.#name}: ${what}`);
    return text instanceof Problem ? this.refuse("E731", `${what} is not valid UTF-8`) : text;
  }

  /** Steps over a text. Of the many of a vocabulary each is short, and no number beyond 2³² is made of its length. */
  skipText(what: string): void {
    const behind = this.at + 8;
    if (behind <= this.#bytes.length && this.#view.getUint32(this.at + 4, true) === 0) {
      const end = behind + this.#view.getUint32(this.at, true);
      if (end <= this.#bytes.length) {
        this.at = end;
        return;
      }
    }
    this.skip(this.count(`the length of ${what}`, 1), what);
  }

  /** The bytes from a place up to the cursor, copied: who keeps them does not keep the rest. */
  copy(start: number): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(start, this.at));
  }

  /** Steps over so many bytes; a view of them. */
  view(count: number, what: string): DataView {
    const start = this.skip(count, what);
    return new DataView(this.#view.buffer, this.#view.byteOffset + start, count);
  }
}
