import { showBytes } from "../support/text.ts";
import { allocate, unpackedLimit } from "./limits.ts";
import { Problem } from "./problem.ts";

/** What the beginning of a file says of its size: the bytes that it must see to say it, or the size of the whole. */
export type StatedSize = { readonly needs: number } | { readonly total: number };

/** Undefined for a file that says nothing; a problem if its header is none. */
export type ReadStatedSize = (start: Uint8Array) => StatedSize | Problem | undefined;

/** At most so much is given to an unpacker at once, in bytes: deflate makes up to 1032 times as much of it. */
export const SLICE = 2 ** 14;

/**
 * Gathers what a gzip file holds as it comes out, and ends it as soon as it is too much: more than its own header says,
 * or more than a file of that size may hold.
 */
export class Unpacking {
  problem: Problem | undefined;
  length = 0;
  readonly #name: string;
  readonly #packed: number;
  #parts: Uint8Array[] = [];
  /** All of it, once its size is known. */
  #whole: Uint8Array | undefined;
  #stated: ReadStatedSize | undefined;
  #needs = 1;

  constructor(name: string, packed: number, stated: ReadStatedSize | undefined) {
    this.#name = name;
    this.#packed = packed;
    this.#stated = stated;
  }

  /** Takes the next bytes; false if nothing more is wanted, and `problem` says why. */
  add(part: Uint8Array): boolean {
    const start = this.length;
    this.length += part.length;
    if (this.#whole === undefined) {
      this.#parts.push(part);
      this.problem = this.#excess(this.length) ?? (this.length >= this.#needs ? this.#look() : undefined);
    } else if (this.length > this.#whole.length) this.problem = this.#moreThanStated(this.#whole.length);
    else this.#whole.set(part, start);
    return this.problem === undefined;
  }

  /** All that came. */
  bytes(): Uint8Array | Problem {
    if (this.problem !== undefined) return this.problem;
    if (this.#whole !== undefined) return this.#whole.subarray(0, this.length);
    return joined(this.#parts, this.length, this.#name);
  }

  /** Asks the header for the size of the whole, as far as it is there. */
  #look(): Problem | undefined {
    const start = joined(this.#parts, this.length, this.#name);
    if (start instanceof Problem) return start;
    this.#parts = [start];
    const stated = this.#stated?.(start);
    if (stated instanceof Problem) return stated;
    if (stated === undefined) {
      this.#needs = Infinity;
      return undefined;
    }
    if ("needs" in stated) {
      this.#needs = Math.max(stated.needs, this.length + 1);
      return this.#excess(stated.needs);
    }
    const { total } = stated;
    if (this.length > total) return this.#moreThanStated(total);
    const whole = this.#excess(total) ?? allocate(total, this.#name);
    if (whole instanceof Problem) return whole;
    whole.set(start);
    this.#whole = whole;
    return undefined;
  }

  #excess(size: number): Problem | undefined {
    const most = unpackedLimit(this.#packed);
    return size > most
      ? new Problem(
          "E717",
          tooFar(this.#name, this.#packed, most),
          "if you trust it, unpack it with `gunzip` first",
        )
      : undefined;
  }

  #moreThanStated(total: number): Problem {
    return new Problem(
      "E717",
      `${this.#name}: more comes out of it than the ${showBytes(total)} that its header says`,
    );
  }
}

/** That a packed file holds more than its size allows; of gzip and zip alike. */
export const tooFar = (name: string, packed: number, most: number): string =>
  `${name}: its ${showBytes(packed)} unpack to more than ${showBytes(most)}, as what is made to fill a memory does`;

function joined(parts: readonly Uint8Array[], length: number, name: string): Uint8Array | Problem {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const whole = allocate(length, name);
  if (whole instanceof Problem) return whole;
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
