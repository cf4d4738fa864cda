import { quote } from "../../checkpoint/problem.ts";
import { showCount } from "../../support/text.ts";
import { Unreadable } from "./section.ts";

/** A token that a text begins with at a place. */
export interface Prefix {
  readonly end: number;
  readonly id: number;
}

/**
 * The longest token that is looked for, in UTF-16 units: so far is a text read from each of its places, at most. Tokens of
 * published files have some dozens.
 */
export const MAX_TOKEN_LENGTH = 512;

/** Finds the tokens that a text begins with at a place, in the order of their lengths. */
export class PrefixIndex {
  readonly #tokens: readonly string[];
  readonly #ids: Int32Array;

  /** Refuses tokens that are too long; `path` is where they stand in the file. */
  constructor(ids: ReadonlyMap<string, number>, path: string) {
    for (const token of ids.keys())
      if (token.length > MAX_TOKEN_LENGTH)
        throw new Unreadable(
          `\`${path}\`: the token ${quote(token)} has ${showCount(token.length)} characters; ` +
            `lmg finds tokens of at most ${MAX_TOKEN_LENGTH}`,
        );
    // By UTF-16 units, as JavaScript compares texts: those that begin alike stand together, the shortest first.
    this.#tokens = Array.from(ids.keys()).sort();
    this.#ids = Int32Array.from(this.#tokens, (token) => ids.get(token)!);
  }

  /** The longest of them, if there is one. */
  longestAt(text: string, start: number): Prefix | undefined {
    let longest: Prefix | undefined;
    for (const prefix of this.prefixesAt(text, start)) longest = prefix;
    return longest;
  }

  *prefixesAt(text: string, start: number): Iterable<Prefix> {
    let low = 0;
    let high = this.#tokens.length;
    for (let length = 0; start + length < text.length; length++) {
      const unit = text.charCodeAt(start + length);
      low = this.#firstWith(length, unit, low, high);
      high = this.#firstWith(length, unit + 1, low, high);
      if (low === high) return;
      if (this.#tokens[low]!.length === length + 1) yield { end: start + length + 1, id: this.#ids[low]! };
    }
  }

  /** The first token in [low, high) whose unit at `at` is not below `unit`; a token that ends there is. */
  #firstWith(at: number, unit: number, low: number, high: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1;
      const token = this.#tokens[middle]!;
      if (token.length <= at || token.charCodeAt(at) < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
