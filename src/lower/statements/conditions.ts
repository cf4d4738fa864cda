import type { Branches } from "../../language/ast.ts";
import type { Frame } from "../frame/context.ts";
import { evaluateCondition } from "../values/expressions.ts";
import { tellSkipped } from "../names/references.ts";

/** The branch that holds; undefined if none does. */
export function takenBody<Body extends object>(
  { branches, otherwise }: Branches<Body>,
  frame: Frame,
): Body | undefined | "failed" {
  let taken: Body | undefined | "failed" = otherwise;
  let asked = 0;
  for (; taken === otherwise && asked < branches.length; asked++) {
    const { condition, body } = branches[asked]!;
    const truth = evaluateCondition(condition, frame);
    if (truth === undefined) taken = "failed";
    else if (truth) taken = body;
  }
  branches.forEach((branch, index) => {
    if (branch.body !== taken) tellSkipped(index < asked ? branch.body : branch, frame);
  });
  if (otherwise !== undefined && otherwise !== taken) tellSkipped(otherwise, frame);
  return taken;
}
