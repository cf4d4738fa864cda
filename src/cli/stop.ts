import { Problem, ProblemError, problemsIn, type WithoutProblems } from "../checkpoint/problem.ts";
import { isTooLarge } from "../run/attempt.ts";
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
  if (error instanceof ProblemError) return error.problems;
  return isTooLarge(error) ? [outOfMemory(error)] : undefined;
}

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

/** The value, or the end of the command: what the library tells as problems ends it here. */
export function orStop<T>(value: T): WithoutProblems<T> {
  const problems = problemsIn(value);
  if (problems !== undefined) throw new Stop(problems);
  return value as WithoutProblems<T>;
}

/** Prints diagnostics as people read them. */
export function showDiagnostics(diagnostics: readonly Diagnostic[], out: Out): void {
  for (const diagnostic of diagnostics) out.note(`${showDiagnostic(diagnostic, out.notePaint)}\n`);
}

/** The answer of a command that could give none, for programs. */
export const writeProblems = (diagnostics: readonly Diagnostic[], out: Out): void =>
  writeJson(out, { diagnostics: diagnostics.map((one) => diagnosticRecord(one)) });
