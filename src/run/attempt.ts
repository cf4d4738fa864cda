import { Problem } from "../checkpoint/problem.ts";

/** What emitted modules and the interpreter throw for what a user gave them, and the code of the problem that it is. */
const codes: { readonly [name: string]: string } = {
  InputError: "E816",
  EvaluationError: "E816",
  WeightsError: "E816",
  SessionError: "E816",
  DeviceError: "E832",
  EngineError: "E836",
};

/** What V8 says of an array that is longer than there is memory for, or than an array can be. */
export const isTooLarge = (error: unknown): error is RangeError =>
  error instanceof RangeError &&
  /^(Array buffer allocation failed|Invalid typed array length|Invalid array (buffer )?length)/.test(
    error.message,
  );

/**
 * What `work` gives, or why inputs, weights, memory or a device do not fit: emitted modules, which import nothing of lmg,
 * say so by the name of the error that they throw. Other errors are bugs, and go on.
 */
export async function attempt<T>(work: () => T | Promise<T>): Promise<T | Problem> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && Object.hasOwn(codes, error.name) ? codes[error.name] : undefined;
    if (code !== undefined) return new Problem(code, (error as Error).message);
    if (isTooLarge(error))
      return new Problem(
        "E835",
        `there is not enough memory for these sizes: ${error.message}`,
        "fewer rows, or shorter ones, take less; `lmg stats` says how much, with --train for a step of training",
      );
    throw error;
  }
}
