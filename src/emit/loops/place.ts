import type { Dim } from "../../tensor/dim.ts";
import { expressionOf, isNothing, type Operand } from "./formula.ts";
import type { Tensor, Term } from "./tree.ts";

/** An element of a tensor: read where it stands in an expression, written by `store`. */
export class Place {
  readonly kind = "load";
  readonly tensor: Tensor;
  readonly terms: readonly Term[];
  /** The strides of the axes that are still to be walked. */
  readonly strides: readonly Dim[];

  constructor(tensor: Tensor, terms: readonly Term[] = [], strides: readonly Dim[] = []) {
    this.tensor = tensor;
    this.terms = terms;
    this.strides = strides;
  }

  /** So many strides on. */
  at(index: Operand, stride: Operand = 1): Place {
    const by = expressionOf(stride);
    if (isNothing(by)) return this;
    return new Place(this.tensor, [...this.terms, { index: expressionOf(index), stride: by }], this.strides);
  }

  /** The same element, from which other axes are walked. */
  along(strides: readonly Dim[]): Place {
    return new Place(this.tensor, this.terms, strides);
  }
}
