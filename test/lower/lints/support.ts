import { isError, showDiagnostic } from "../../../src/support/diagnostic.ts";
import type { LowerOptions } from "../../../src/lower/lower.ts";
import { expect } from "vitest";
import { lowerText } from "../support.ts";

/** The warnings for a file without errors, as a user reads them. */
export function lintsIn(text: string, options: LowerOptions = {}): string {
  const { diagnostics } = lowerText(text, { lint: true, ...options });
  expect(diagnostics.filter(isError).map((diagnostic) => showDiagnostic(diagnostic))).toEqual([]);
  return diagnostics.map((diagnostic) => showDiagnostic(diagnostic)).join("\n");
}

/** The codes and lines of the warnings. */
export const codesIn = (text: string, options: LowerOptions = {}): string[] =>
  [...lintsIn(text, options).matchAll(/^\S+?:(\d+):\d+: warning\[(\w+)\]/gm)].map(
    ([, line, code]) => `${code!} ${line!}`,
  );

/** The body of a model, with the parameters `depth` and `placement` if it reads them: its first line is line 3. */
export function model(body: string, more = ""): string {
  const parameters = ["depth = 6", "placement = pre"].filter((one) =>
    new RegExp(`\\b${one.split(" ")[0]!}\\b`).test(body),
  );
  return `model m(${parameters.join(", ")}) {\n  input x: f32[B, T, 8]\n${body}\n}\n${more}`;
}
