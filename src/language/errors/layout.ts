import { errorAt, warningAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { plainSigns, signs } from "../mends.ts";
import { arrowMisspelt } from "./statements.ts";

/*
 * What can be wrong with a `.lmg` file before its statements are looked into: its size, its characters, its brackets. One
 * function a mistake, E100 to E119. Codes are stable: one that is no longer needed is not used again.
 */

export const fileTooLong = (span: Span, length: number, limit: number): Diagnostic =>
  errorAt(
    "E100",
    span,
    `this file has ${Math.ceil(length / 1024)} KB; a file has ${limit / 1024} KB at most`,
    {
      help: 'put some of its definitions into another file, and `use "./other.lmg"`',
    },
  );

export const tooDeep = (bracket: Span, limit: number): Diagnostic =>
  errorAt("E101", bracket, `brackets are nested more than ${limit} deep here`, {
    help: "give names to inner parts, or make them blocks",
  });

export const neverClosed = (
  bracket: Span,
  character: string,
  closer: string,
  before: Span | undefined,
): Diagnostic =>
  errorAt("E102", bracket, `this \`${character}\` is never closed`, {
    more: before === undefined ? [] : [{ span: before, text: "it should be closed before this" }],
    help: `write \`${closer}\` where it ends`,
  });

export const closesNothing = (bracket: Span, character: string, early: Span | undefined): Diagnostic =>
  errorAt("E103", bracket, `this \`${character}\` closes nothing`, {
    more: early === undefined ? [] : [{ span: early, text: "the definition ended here already" }],
  });

export const wrongCloser = (bracket: Span, found: string, open: Span, expected: string): Diagnostic =>
  errorAt("E104", bracket, `expected \`${expected}\`, found \`${found}\``, {
    instead: expected,
    more: [{ span: open, text: `\`${expected}\` would close this` }],
  });

export const semicolonInBrackets = (semicolon: Span, open: Span, character: string): Diagnostic =>
  errorAt("E105", semicolon, `\`;\` ends a statement, but a \`${character}\` is still open`, {
    more: [{ span: open, text: "opened here" }],
    help: `close the \`${character}\` first, or write a comma`,
  });

export const textNotClosed = (text: Span): Diagnostic =>
  errorAt("E106", text, 'this text has no closing `"` on its line', {
    help: 'a text ends on the line that it starts on; write `\\n` for a line end and `\\"` for a quote',
  });

export function oddCharacter(span: Span, character: string): Diagnostic {
  const arrow = /[→⇒⟶⟹➔➜⭢]/u.test(character);
  if (arrow) return arrowMisspelt(span, character);
  const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
  const shown = /[\p{L}\p{N}\p{P}\p{S}]/u.test(character) ? `\`${character}\`` : `the character ${code}`;
  const sign = Object.hasOwn(signs, character) ? signs[character]! : undefined;
  const help = instead[character] ?? (sign === undefined ? undefined : `write \`${sign}\``);
  const message = /[!-~]/.test(character)
    ? `${shown} means nothing here`
    : `${shown} may stand in comments and texts only`;
  const fix = plainSigns(span, character);
  return errorAt("E107", span, message, { ...(help !== undefined && { help }), ...(fix && { fix }) });
}

const instead: Readonly<Record<string, string>> = {
  "#": "a comment begins with `//`",
  "'": 'a text stands in double quotes: `"…"`',
  "`": 'a text stands in double quotes: `"…"`',
  "“": 'a text stands in plain double quotes: `"…"`',
  "”": 'a text stands in plain double quotes: `"…"`',
  "&": "write `and`",
  "@": "a product of matrices is the layer `matmul`: `(x, w) -> matmul`",
  "?": "a choice is written `a if c else b`",
  "\u00A0": "this is a blank that does not break; write a plain one",
};

export const tooManyErrors = (place: Span, limit: number): Diagnostic =>
  errorAt("E108", place, `there are ${limit} errors up to here; what follows was not checked`);

export const commentLooksLikeDivision = (comment: Span): Diagnostic =>
  warningAt("W100", comment, "`//` begins a comment; it does not divide", {
    help: "integer division is `div(a, b)`; if this is a comment, say it in more than one word",
  });

export const statementTooLong = (span: Span, length: number, limit: number): Diagnostic =>
  errorAt(
    "E109",
    span,
    `this statement has ${Math.ceil(length / 1024)} KB; a statement has ${limit / 1024} KB at most`,
    { help: "give names to parts of it" },
  );

export const loneReturns = (returns: readonly Span[]): Diagnostic =>
  errorAt(
    "E110",
    returns[0]!,
    "a carriage return stands alone here: editors begin a line after it, and lmg does not",
    {
      help: "end lines with `\\n`, or with `\\r\\n`",
      fix: returns.map((span) => ({ span, text: "\n" })),
    },
  );
