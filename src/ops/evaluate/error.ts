/** Data that a graph cannot run on: a mistake of whoever gave the inputs or the weights, never one of the compiler. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
}
