import type { Diagnostic, Label } from "../support/diagnostic.ts";
import { visible } from "../support/text.ts";

/**
 * Why a file or an argument cannot be used: a diagnostic that points into no text. A class, so that `instanceof` tells
 * it from whatever a hostile file may hold.
 */
export class Problem implements Diagnostic {
  readonly severity = "error";
  readonly labels: readonly Label[] = [];
  readonly code: string;
  readonly message: string;
  readonly help?: string;

  /** `code` is stable; `message` names the file first; `help` is a way forward, in one sentence. */
  constructor(code: string, message: string, help?: string) {
    this.code = code;
    this.message = message;
    if (help !== undefined) this.help = help;
  }
}

/** Thrown where problems come to light too late to be a value: a file that changed since it was opened. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ message }) => message).join("; "));
    this.problems = problems;
  }
}

/** What is no problem. */
export type WithoutProblems<T> = Exclude<T, Problem | readonly Problem[]>;

/** The problems that a value is, if it is one or several. */
export function problemsIn(value: unknown): readonly Problem[] | undefined {
  if (value instanceof Problem) return [value];
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.every((one) => one instanceof Problem) ? value : undefined;
}

/** The value; problems are thrown. */
export function orThrow<T>(value: T): WithoutProblems<T> {
  const problems = problemsIn(value);
  if (problems !== undefined) throw new ProblemError(problems);
  return value as WithoutProblems<T>;
}

/** Longest name or value from a file that a message repeats, in UTF-16 code units. */
const MAX_QUOTED = 80;

/** Text from a file, safe to print: control characters escaped, long texts cut. */
export const quote = (text: string): string =>
  quotePath(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);

/** A path, safe to print and whole. */
export const quotePath = (path: string): string => `\`${visible(path)}\``;

/** A value of parsed JSON as a message shows it: short, whatever its size. */
export function showJson(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) {
    const shown = value.slice(0, 8).map((item: unknown) => (typeof item === "object" ? "…" : showJson(item)));
    return `[${[...shown, ...(value.length > 8 ? ["…"] : [])].join(", ")}]`;
  }
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** `[2, 3]`; only the first sizes of an absurdly long shape. */
export const showSizes = (shape: readonly number[]): string => showJson(shape);
