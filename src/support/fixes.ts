import type { Diagnostic, Edit } from "./diagnostic.ts";
import type { Source } from "./source.ts";

/** A text with edits of it made, which do not overlap. */
export const editedText = (text: string, edits: readonly Edit[]): string =>
  // From the end, so that places before an edit stay where they are.
  edits
    .toSorted((a, b) => b.span.start - a.span.start)
    .reduce((done, { span, text: put }) => done.slice(0, span.start) + put + done.slice(span.end), text);

/** The text with the fix of a mistake made; undefined if there is no fix, or part of it lies in another text. */
export function fixedText({ text }: Source, { fix = [] }: Diagnostic): string | undefined {
  if (fix.length === 0 || fix.some(({ span }) => span.source.text !== text)) return undefined;
  return editedText(text, fix);
}
