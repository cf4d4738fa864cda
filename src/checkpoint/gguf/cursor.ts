import { decodeUtf8 } from "../json.ts";
import { Problem, ProblemError } from "../problem.ts";

/** Thrown where the bytes end before the header does; `needs` is how many of the file's first bytes the next value takes. */
export class NeedsMore extends Error {
  readonly needs: number;

  constructor(needs: number) {
    super(`the header goes on to byte ${needs}`);
    this.needs = needs;
  }
}

/** Where a header is read: its first bytes, as far as they are at hand, of a file of `size` bytes. */
export class Cursor {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #size: number;
  readonly #name: string;

  constructor(bytes: Uint8Array, size: number, name: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#size = size;
    this.#name = name;
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
    if (this.at + count > this.#bytes.length) throw new NeedsMore(this.at + count);
    this.at += count;
    return this.at - count;
  }

  u32(what: string): number {
    return this.#view.getUint32(this.skip(4, what), true);
  }

  u64(what: string): bigint {
    return this.#view.getBigUint64(this.skip(8, what), true);
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

  /** Steps over a text; its bytes, not copied. */
  textBytes(what: string): Uint8Array {
    const length = this.count(`the length of ${what}`, 1);
    return this.#bytes.subarray(this.skip(length, what), this.at);
  }

  /** Steps over so many bytes; a view of them. */
  view(count: number, what: string): DataView {
    const start = this.skip(count, what);
    return new DataView(this.#view.buffer, this.#view.byteOffset + start, count);
  }
}
