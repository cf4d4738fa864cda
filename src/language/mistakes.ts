import type { FailedMatchResult } from "ohm-js";
import { errorAt, type Diagnostic } from "../support/diagnostic.ts";
import type { Rule } from "./grammar.ts";
import type { Piece } from "./pieces.ts";

/** Puts into words why a statement does not match the grammar. */
export function explain(piece: Piece, rule: Rule, failure: FailedMatchResult): Diagnostic {
  const at = failure.getRightmostFailurePosition();
  return errorAt("E140", piece.span(at, at + 1), `unexpected in ${rule}`);
}
