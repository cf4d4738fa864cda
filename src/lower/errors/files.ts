import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { suggestOrList } from "./suggest.ts";

export const emptyPath = (span: Span): Diagnostic =>
  errorAt("E217", span, "`use` takes the path of a file, and this one is empty", {
    help: 'say which file, as in `use "./blocks.lmg"`',
  });

export const usedFileMissing = (span: Span, path: string, near: string | undefined): Diagnostic =>
  errorAt("E218", span, `there is no file "${path}"`, {
    help: near === undefined ? "the path is relative to the folder of this file" : `did you mean "${near}"?`,
    instead: near && `"${near}"`,
  });

/** What reads the files says why. */
export const usedFileRefused = (
  span: Span,
  { code, message, help }: Pick<Diagnostic, "code" | "message" | "help">,
): Diagnostic => errorAt(code, span, message, help === undefined ? {} : { help });

export const noModel = (span: Span): Diagnostic =>
  errorAt("E225", span, "the file has no model", {
    help: "write `model name { input … }`; a `block` is only used by others",
  });

export const unknownOutput = (span: Span, name: string, outputs: readonly string[]): Diagnostic =>
  errorAt("E236", span, `the model has no output called \`${name}\``, suggestOrList(name, outputs, "it has"));

export const unknownModel = (span: Span, name: string, models: readonly string[]): Diagnostic =>
  errorAt("E226", span, `the file has no model called \`${name}\``, suggestOrList(name, models, "it has"));
