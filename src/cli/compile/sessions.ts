import { targets, type Switches, type TargetName } from "../../emit/targets.ts";
import { decodingProgram } from "../../incremental/program.ts";
import { Refusal } from "../../incremental/refusal.ts";
import type { ProgramPlan } from "../../plan/plan.ts";
import { outputOf } from "../../run/model.ts";
import { sessionsPlan } from "../../run/sessions.ts";
import { tokenInput } from "../../run/tokens.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { derivationOf, type DecodingChoice } from "../decoding.ts";
import type { LoadedModel } from "../load.ts";
import { stop } from "../stop.ts";
import type { PackedGraph } from "./packed.ts";

/** The plan of a model with sessions beside it; a model that cannot be read a few positions at a time ends the command. */
export function planWithSessions(
  { model }: LoadedModel,
  { graph, packing, said }: PackedGraph,
  target: TargetName,
  { fuse = true, ragged, recompute, ...switches }: Switches & DecodingChoice & { readonly fuse?: boolean },
): ProgramPlan {
  const input = tokenInput(model.graph);
  const symbol = input instanceof Problem ? undefined : input.value.type.shape.at(-1)!.key;
  const decoding = decodingProgram(model.graph, {
    fuse,
    packing,
    target: targets[target].target(switches),
    ...(symbol === undefined ? {} : { symbol }),
    ...derivationOf({ ...(ragged && { ragged }), ...(recompute !== undefined && { recompute }) }),
  });
  if (decoding instanceof Refusal) stop("E839", `the model has no sessions: ${decoding.message}`);
  const logits = outputOf({ graph: model.graph });
  const plan = sessionsPlan(decoding, { target, switches, logits }, { graph, notNeeded: model.notNeeded });
  return { ...plan, shared: { ...plan.shared, ...said } };
}
