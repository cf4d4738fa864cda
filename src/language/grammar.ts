import * as ohm from "ohm-js";
import type { FailedMatchResult, Grammar, MatchResult, Node, Semantics } from "ohm-js";
import { grammarRecipe } from "./grammar.generated.ts";

/** `makeRecipe` is in Ohm's exports, though not in its types. */
const { makeRecipe } = ohm as unknown as { makeRecipe: (recipe: unknown) => Grammar };

const grammar = makeRecipe(JSON.parse(grammarRecipe));
const semantics: Semantics = grammar.createSemantics();

/** The rules that a text can be matched with. */
export type Rule = "TopLevel" | "Statement" | "TrainLine" | "ConfigLine" | "Expr" | "File";

/** The root of the match, or what went wrong. */
export function match(text: string, rule: Rule): Node | FailedMatchResult {
  const result: MatchResult = grammar.match(text, rule);
  return result.failed() ? result : (semantics(result) as Node);
}

export const isFailure = (result: Node | FailedMatchResult): result is FailedMatchResult =>
  "getRightmostFailurePosition" in result;
