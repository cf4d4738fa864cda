/** Weights that do not fit the model: every problem that was found, one a line. */
export class WeightsError extends Error {
  override readonly name = "WeightsError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}
