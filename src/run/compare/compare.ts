import { Problem } from "../../checkpoint/problem.ts";
import { targets, type TargetName } from "../../emit/targets.ts";
import type { Graph } from "../../ir/graph.ts";
import { planGraph } from "../../plan/build.ts";
import type { Plan } from "../../plan/plan.ts";
import type { Engine, Tensors } from "../engine.ts";
import type { EngineOptions } from "../engine-options.ts";
import { openEngine } from "../engines.ts";
import { interpreterEngine } from "../interpreter-engine.ts";
import type { Weights } from "../weights.ts";
import type { Comparison } from "./describe.ts";
import { differencesOf, outputDifferencesOf } from "./differences.ts";
import { observeSteps } from "./observe.ts";

/** A model after all passes. */
export interface ComparedModel {
  readonly graph: Graph;
  readonly plan: Plan;
}

export interface CompareOptions extends EngineOptions {
  /** The largest relative difference that counts as rounding; that of the target if left off. */
  readonly tolerance?: number | undefined;
}

/**
 * Runs the graph with every step's results as outputs, by the interpreter and by each target, and by each target as it is
 * too: where every value is observed each has memory of its own, and a mistake in sharing it would not show.
 */
export async function compareTargets(
  names: readonly TargetName[],
  { graph, plan: { notNeeded } }: ComparedModel,
  weights: Weights,
  inputs: Tensors,
  options: CompareOptions = {},
): Promise<readonly Comparison[] | Problem> {
  const seen = observeSteps(graph);
  const expected = await runOnce(interpreterEngine(seen.graph, weights), inputs);
  if (expected instanceof Problem) return expected;
  const comparisons: Comparison[] = [];
  for (const target of names) {
    const run = async (each: Plan): Promise<Tensors | Problem> =>
      runOnce(await openEngine(target, each, weights, options), inputs);
    const made = { target: targets[target].target(options.switches ?? {}), notNeeded };
    const observed = await run(planGraph(seen.graph, made));
    if (observed instanceof Problem) return observed;
    const whole = await run(planGraph(graph, made));
    if (whole instanceof Problem) return whole;
    comparisons.push({
      target,
      tolerance: options.tolerance ?? targets[target].tolerance(options.switches ?? {}),
      differences: differencesOf(seen.observed, expected, observed),
      outputs: outputDifferencesOf(expected, whole),
    });
  }
  return comparisons;
}

async function runOnce(engine: Engine | Problem, inputs: Tensors): Promise<Tensors | Problem> {
  if (engine instanceof Problem) return engine;
  try {
    return await engine.run(inputs);
  } finally {
    engine.close();
  }
}
