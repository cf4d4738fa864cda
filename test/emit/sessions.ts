import type { TargetName } from "../../src/emit/targets.ts";
import type { Graph } from "../../src/ir/graph.ts";
import { runPasses } from "../../src/passes/pipeline.ts";
import type { ProgramPlan } from "../../src/plan/plan.ts";
import { sessionsPlan } from "../../src/run/sessions.ts";
import { targets } from "../../src/emit/targets.ts";
import { derived } from "../incremental/models.ts";

/** A causal graph with sessions beside it, as `lmg compile --sessions` plans it. */
export function planWithSessions(graph: Graph, target: TargetName): ProgramPlan {
  const options = { target: targets[target].target({}) };
  const [{ name }] = graph.outputs as [Graph["outputs"][number]];
  return sessionsPlan(
    derived(graph, options),
    { target, logits: name },
    { graph: runPasses(graph, options), notNeeded: [] },
  );
}
