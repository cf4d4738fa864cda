import * as ohm from "ohm-js";
import type { FailedMatchResult, Grammar, Node, Semantics } from "ohm-js";
import { irGrammarRecipe } from "../grammar.generated.ts";

/** `makeRecipe` is in Ohm's exports, though not in its types. */
const { makeRecipe } = ohm as unknown as { makeRecipe: (recipe: unknown) => Grammar };

const grammar = makeRecipe(JSON.parse(irGrammarRecipe));
const semantics: Semantics = grammar.createSemantics();

/** The statement that a line holds, or what went wrong. */
export function matchLine(text: string): Node | FailedMatchResult {
  const result = grammar.match(text, "Line");
  return result.failed() ? result : (semantics(result) as Node).child(0);
}

export const isFailure = (result: Node | FailedMatchResult): result is FailedMatchResult =>
  "getRightmostFailurePosition" in result;

/** The node of an optional part, if it is there. */
export const optional = (node: Node): Node | undefined => node.children[0];

/** The items of a list with separators, which may be empty. */
export function items(list: Node): readonly Node[] {
  if (list.ctorName === "NonemptyListOf") return [list.child(0), ...list.child(2).children];
  const [inner] = list.children;
  return inner === undefined ? [] : items(inner);
}
