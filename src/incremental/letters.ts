import type { Run } from "./facts/fact.ts";
import { addDims, constantDim, dim, productOfDims, subtractDims, type Dim } from "../tensor/dim.ts";
import { invariant } from "../support/invariant.ts";

/**
 * Which rows of an axis of positions a derived value has, when N new positions come after P past ones:
 *
 * - `R`: the new ones, P … P + N - 1;
 * - `K`: all so far, 0 … P + N - 1;
 * - `L`: the newest, P + N - 1;
 * - `W7`: the last 7 before the new ones, and these;
 * - `O7`: the same, but where one row is new, the 8 stand in the order of a ring.
 *
 * An axis with a lead has as many rows more at its end.
 */
export type Letter = "R" | "K" | "L" | `W${number}` | `O${number}`;

/** A letter for each axis of positions of a value, none for its other axes. */
export type Form = readonly (Letter | undefined)[];

/** For tables of what was made. */
export const keyOf = (form: Form): string => form.map((letter) => letter ?? "-").join(" ");

/** How many rows before the new ones a window has. */
export const backOf = (letter: Letter): number | undefined =>
  letter.startsWith("W") || letter.startsWith("O") ? Number(letter.slice(1)) : undefined;

/** Whether the rows of a window are those of a ring. */
export const isRing = (letter: Letter): boolean => letter.startsWith("O");

/** The run-time sizes of a part. */
export class Sizes {
  /** Positions of the runs before. */
  readonly past: Dim;
  /** Positions that this run adds. */
  readonly added: Dim;
  /** Positions that there is memory for. */
  readonly capacity: Dim;
  /** Positions when the run has ended. */
  readonly length: Dim;

  /** Whether each run adds one position. */
  get isStep(): boolean {
    return constantDim(this.added) === 1;
  }

  constructor(past: Dim, added: Dim, capacity: Dim) {
    this.past = past;
    this.added = added;
    this.capacity = capacity;
    this.length = addDims(past, added);
  }

  /** The index of a letter's first row; that of a window would be before the text. */
  firstOf(letter: Letter): Dim {
    if (letter === "R") return this.past;
    if (letter === "K") return dim(0);
    invariant(letter === "L", "a window begins at no index of a size");
    return subtractDims(this.length, dim(1));
  }

  /** Whether the rows of a letter stand in the order of a ring. */
  areRing(letter: Letter): boolean {
    return isRing(letter) && this.isStep;
  }

  /** How many elements an axis has in a form. */
  sizeOf(run: Run, letter: Letter): Dim {
    invariant(run.kind !== "odd", "an axis of an odd size is refused before it is cut");
    const rows = this.#count(letter);
    return run.kind === "rows" ? addDims(rows, dim(run.lead)) : productOfDims([run.outer, rows, run.inner]);
  }

  #count(letter: Letter): Dim {
    if (letter === "L") return dim(1);
    return letter === "K" ? this.length : addDims(this.added, dim(backOf(letter) ?? 0));
  }
}
