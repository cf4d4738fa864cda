/** Finds the tokens that a text begins with at a place, in the order of their lengths. */
export class PrefixIndex {
  readonly #tokens: readonly string[];
  readonly #ids: Int32Array;

  constructor(ids: ReadonlyMap<string, number>) {
    // By UTF-16 units, as JavaScript compares texts: those that begin alike stand together, the shortest first.
    this.#tokens = Array.from(ids.keys()).sort();
    this.#ids = Int32Array.from(this.#tokens, (token) => ids.get(token)!);
  }

  *prefixesAt(text: string, start: number): Iterable<{ readonly end: number; readonly id: number }> {
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
