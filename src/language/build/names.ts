import type { Node } from "ohm-js";
import type { LabelName, Name, Text } from "../ast/expressions.ts";
import * as errors from "../errors/tree.ts";
import { reservedWords } from "../words.ts";
import { spanOf, type Context } from "./context.ts";

/** A word as it stands: a label, a part, an argument's name, a kind. */
export const buildWord = (context: Context, node: Node): Name => ({
  span: spanOf(context, node),
  text: node.sourceString,
});

/** A name that is bound here, which no word of the language may be; `what` it names, as in "a value". */
export function buildName(context: Context, node: Node, what: string): Name {
  const name = buildWord(context, node);
  if (reservedWords.has(name.text)) context.report.add(errors.reservedName(name.span, name.text, what));
  else if (!/^[a-z_]/.test(name.text))
    context.report.add(errors.nameNeedsSmallLetter(name.span, name.text, what));
  return name;
}

/** A label, as it stands or as a text. */
export const buildLabel = (context: Context, node: Node): LabelName =>
  node.ctorName === "text" ? (context.operand(context, node) as Text) : buildWord(context, node);
