/** A tensor as emitted modules take it: its elements row-major. Modules declare it themselves, as `publicTypes` has it. */
export interface Tensor {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}
