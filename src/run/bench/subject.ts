import { Problem } from "../../checkpoint/problem.ts";
import type { TargetName } from "../../emit/targets.ts";
import type { Plan } from "../../plan/plan.ts";
import type { EngineOptions } from "../engine-options.ts";
import { engines } from "../engines.ts";
import type { Given, Timed } from "./timed.ts";

/** A plan that a target runs, to be timed. */
export interface Subject extends Timed {
  readonly target: TargetName;
  readonly plan: Plan;
}

/** Emits the plan, imports it, and gives it weights. */
export async function openSubject(
  target: TargetName,
  plan: Plan,
  given: Given,
  options: EngineOptions,
): Promise<Subject | Problem> {
  const timed = await engines[target].time(plan, given, options);
  return timed instanceof Problem ? timed : { target, plan, ...timed };
}
