import type { Body, IfStatement } from "../language/ast.ts";
import type { Frame } from "./context.ts";
import { evaluateCondition } from "./expressions.ts";

/** The branch that holds; undefined if none does. */
export function takenBody(statement: IfStatement, frame: Frame): Body | undefined | "failed" {
  for (const { condition, body } of statement.branches) {
    const truth = evaluateCondition(condition, frame);
    if (truth === undefined) return "failed";
    if (truth) return body;
  }
  return statement.otherwise;
}
