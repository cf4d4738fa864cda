import { isError, type Diagnostic } from "../support/diagnostic.ts";
import type { Source } from "../support/source.ts";
import { printItems } from "./format/print.ts";
import { readItems } from "./format/read.ts";
import { render } from "./format/render.ts";
import { layOut } from "./layout.ts";
import { parse } from "./parse.ts";

/** Columns; a comment may go beyond, and what cannot be broken does. */
const WIDTH = 100;

/**
 * The text in the one form that all `.lmg` files have. It works on tokens, not on the tree: comments keep their
 * place, and what the writer put on one line, or apart by a blank line, stays so where it fits. A text with mistakes
 * comes back as it is, as does one that is formatted already.
 */
export function format(source: Source): {
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
} {
  const { diagnostics } = parse(source);
  if (diagnostics.some(isError)) return { text: source.text, diagnostics };
  const items = readItems(source.text, layOut(source).text);
  return { text: render(printItems(items), WIDTH), diagnostics };
}
