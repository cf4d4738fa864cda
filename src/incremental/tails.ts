import type { Value } from "../ir/graph.ts";

/** The last rows of a value before the new ones, kept between runs: as many as its widest reader needs. */
export interface Tail {
  readonly value: Value;
  readonly axis: number;
  /** What stands before the text. */
  readonly padding: number;
  /** How many rows; it grows while readers are found, and is whole when nodes are made. */
  rows: number;
}

/** One tail for all readers of a value: the taps of a causal convolution, written one by one, are one state. */
export class Tails {
  readonly #tails = new Map<Value, Tail[]>();

  claim(value: Value, axis: number, padding: number, rows: number): Tail {
    const known = this.#tails.get(value) ?? [];
    this.#tails.set(value, known);
    let tail = known.find((each) => each.axis === axis && Object.is(each.padding, padding));
    if (tail === undefined) known.push((tail = { value, axis, padding, rows }));
    tail.rows = Math.max(tail.rows, rows);
    return tail;
  }
}
