import type { Graph, Value } from "../../ir/graph.ts";
import { attributeSizes } from "../../ir/verify.ts";
import { symbolDim, symbolsOf, type Dim } from "../../tensor/dim.ts";

/**
 * How an axis runs over the positions of a text, of which there are T:
 *
 * - `rows`: lead + T + trail of them, of which row i depends on positions up to i - lead;
 * - `merged`: T and other axes in one, outer · T · inner, row-major;
 * - `odd`: a size with T in it that is neither.
 */
export type Run =
  | { readonly kind: "rows"; readonly lead: number; readonly trail: number }
  | { readonly kind: "merged"; readonly outer: Dim; readonly inner: Dim }
  | { readonly kind: "odd" };

/** The axes of a value that run over positions. */
export type Axes = ReadonlyMap<number, Run>;

/** What of a caller reaches a value. */
export interface Reach {
  /** An input with positions. */
  readonly tokens: boolean;
  /** Other inputs, or run-time sizes that no input with positions has: what a text is about, and stays as it grows. */
  readonly context: boolean;
  /** The newest position alone: it changes with each one. */
  readonly newest: boolean;
  /** The number of positions, if only by a size. */
  readonly length: boolean;
}

/** offset + Σ slope · index over the axes of positions, exactly. */
export interface Affine {
  readonly slopes: ReadonlyMap<number, number>;
  readonly offset: number;
}

/** What a value is where the index of one axis of positions is above that of another. */
export interface Corner {
  readonly row: number;
  readonly key: number;
  /** The number wherever key > row; undefined if it is none. */
  readonly above: number | undefined;
  /** The number wherever key = row. */
  readonly equal: number | undefined;
}

/** What is known of a value before anything runs. */
export interface Fact {
  readonly axes: Axes;
  readonly reach: Reach;
  /** The one number that all of its elements are. */
  readonly known: number | undefined;
  readonly affine: Affine | undefined;
  readonly corners: readonly Corner[];
}

/** What a fact of a node's result is worked out from. */
export interface FactContext {
  readonly positions: Positions;
  readonly factOf: (value: Value) => Fact;
}

/** The symbol of the positions, and the other run-time sizes of the inputs that have it, as the batch. */
export class Positions {
  readonly symbol: string;
  readonly length: Dim;
  readonly #batch: ReadonlySet<string>;

  constructor(graph: Graph, symbol: string) {
    this.symbol = symbol;
    this.length = symbolDim(symbol);
    const texts = graph.inputs.filter(({ value }) => value.type.shape.some((size) => this.isIn(size)));
    this.#batch = new Set(
      texts.flatMap(({ value }) => value.type.shape.flatMap((size) => [...symbolsOf(size)])),
    );
  }

  isIn(size: Dim): boolean {
    return size.terms.length > 0 && symbolsOf(size).has(this.symbol);
  }

  /** Whether the attributes of a node speak of the number of positions. */
  areIn(node: Parameters<typeof attributeSizes>[0]): boolean {
    return attributeSizes(node).some((size) => this.isIn(size));
  }

  /** Whether a size is neither of the text nor of its batch. */
  isForeign = (size: Dim): boolean => [...symbolsOf(size)].some((name) => !this.#batch.has(name));
}

export const noAxes: Axes = new Map();

/** What is known of a value that nothing of a caller reaches. */
export const plainFact: Fact = {
  axes: noAxes,
  reach: { tokens: false, context: false, newest: false, length: false },
  known: undefined,
  affine: undefined,
  corners: [],
};
