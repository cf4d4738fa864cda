import { Problem, ProblemError } from "../checkpoint/problem.ts";
import { showDiagnostic, type Diagnostic } from "../support/diagnostic.ts";
import { diagnosticRecord } from "../support/record.ts";
import { writeJson, type Out } from "./out.ts";

/** Ends a command because of the user's mistakes: they are printed, the exit code is 1. */
export class Stop extends Error {
  override readonly name = "Stop";
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((diagnostic) => diagnostic.message).join("; "));
    this.diagnostics = diagnostics;
  }
}

/** The mistakes of the user that an error tells of; undefined for a bug of ours. */
export function mistakesIn(error: unknown): readonly Diagnostic[] | undefined {
  if (error instanceof Stop) return error.diagnostics;
  if (error instanceof ProblemError) return [error.problem];
  return isOutOfMemory(error) ? [outOfMemory(error)] : undefined;
}

/** What V8 says of an array that is longer than there is memory for, or than an array can be. */
const isOutOfMemory = (error: unknown): error is RangeError =>
  error instanceof RangeError &&
  /^(Invalid typed array length|Invalid array buffer length|Array buffer allocation failed)/.test(
    error.message,
  );

const outOfMemory = ({ message }: RangeError): Problem =>
  new Problem(
    "E867",
    `there is not enough memory for this model and these sizes: ${message}`,
    "`lmg stats` tells how large the model is; make it, or the sizes of the run, smaller",
  );

/** Ends the command with one mistake. */
export function stop(code: string, message: string, help?: string): never {
  throw new Stop([new Problem(code, message, help)]);
}

/** The value, or the end of the command. */
export function orStop<T>(value: T | Problem): T {
  if (value instanceof Problem) throw new Stop([value]);
  return value;
}

/** Prints diagnostics as people read them. */
export function showDiagnostics(diagnostics: readonly Diagnostic[], out: Out): void {
  for (const diagnostic of diagnostics) out.note(`${showDiagnostic(diagnostic, out.notePaint)}\n`);
}

/** The answer of a command that could give none, for programs. */
export const writeProblems = (diagnostics: readonly Diagnostic[], out: Out): void =>
  writeJson(out, { diagnostics: diagnostics.map((one) => diagnosticRecord(one)) });
