import * as ohm from "ohm-js";
import type { FailedMatchResult, Grammar, MatchResult, Node, Semantics } from "ohm-js";
import { Recent } from "../support/recent.ts";
import { grammarRecipe } from "./grammar.generated.ts";

/** `makeRecipe` is in Ohm's exports, though not in its types. */
const { makeRecipe } = ohm as unknown as { makeRecipe: (recipe: unknown) => Grammar };

const grammar = makeRecipe(JSON.parse(grammarRecipe));
const semantics: Semantics = grammar.createSemantics();

/** The rules that a text can be matched with. */
export type Rule = "TopLevel" | "Statement" | "TrainLine" | "ConfigLine" | "Expr" | "File";

/** Characters of texts whose matches are kept: a few dozen models of usual size, in some tens of MB. */
const KEPT = 64 * 1024;

/**
 * What was matched of late. Statements are cut out of their files, so that a match says nothing of its place: of a text that is written
 * all statements but one are as they were a key ago, and matching is most of what parsing takes.
 */
const kept = new Recent<Node>(KEPT);

/** Lets go of what was matched: nothing is parsed soon. */
export const forgetMatches = (): void => {
  kept.clear();
};

/** The root of the match, or what went wrong. */
export function match(text: string, rule: Rule): Node | FailedMatchResult {
  const key = `${rule} ${text}`;
  const known = kept.get(key);
  if (known !== undefined) return known;
  const result: MatchResult = grammar.match(text, rule);
  if (result.failed()) return result;
  const node = semantics(result) as Node;
  kept.set(key, node);
  return node;
}

export const isFailure = (result: Node | FailedMatchResult): result is FailedMatchResult =>
  "getRightmostFailurePosition" in result;
