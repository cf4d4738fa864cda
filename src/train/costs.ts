import { phases, type Graph, type Phase, type StateKind } from "../ir/graph.ts";
import { bytesOf as bytesStored } from "../kernels/storage.ts";
import { wordStorage } from "../kernels/target.ts";
import { nodeFlops } from "../ir/stats.ts";
import { runPasses } from "../passes/pipeline.ts";
import { operandViews, type Plan } from "../plan/plan.ts";
import { layoutOf } from "../plan/layout.ts";
import { planTotals, type Sizes } from "../plan/stats.ts";
import { evaluateDim } from "../tensor/dim.ts";
import { elementsOf } from "../tensor/type.ts";
import { planStep } from "./program.ts";

/** What a training step holds, in bytes, and computes, for given sizes of the run-time dims. */
export interface StepCosts {
  /** Parameters, those that the loss does not depend on among them. */
  readonly parameters: number;
  /** Running statistics of batch norms. */
  readonly statistics: number;
  /** Moments that the optimizer keeps beside parameters. */
  readonly optimizer: number;
  /** Sums of gradients over micro-steps. */
  readonly accumulated: number;
  /** The gradients of all parameters, which are in the arena at the end of the backward. */
  readonly gradients: number;
  /** What the forward pass made that is still there when the backward begins, because the backward reads it. */
  readonly activations: number;
  /** Memory of the planned step beside its state: activations, gradients, and what comes and goes between them. */
  readonly arena: number;
  /** All memory of the planned step: its state, the arena, constants and results. */
  readonly peak: number;
  /** Kernels and copies of the planned step. */
  readonly steps: number;
  /** Floating-point operations; a multiply-add counts two. */
  readonly flops: StepFlops;
}

export type StepFlops = Readonly<Record<"forward" | Phase, number>>;

/** The costs of the step that moves the parameters. */
export function costsOf(step: Graph, sizes: Sizes): StepCosts {
  const { graph, plan } = planStep(step);
  const totals = planTotals(plan, sizes);
  const bytesOf = (kind: StateKind, states = graph.states): number =>
    states
      .filter((state) => state.kind === kind)
      .reduce(
        (sum, { value }) =>
          sum + evaluateDim(bytesStored(wordStorage(value.type), elementsOf(value.type)), sizes),
        0,
      );
  return {
    parameters: bytesOf("parameter"),
    statistics: bytesOf("statistic"),
    optimizer: bytesOf("optimizer"),
    accumulated: bytesOf("accumulated"),
    gradients: bytesOf("parameter", step.states),
    activations: keptActivations(plan, sizes),
    arena: totals.arenaBytes,
    peak: totals.weightBytes + totals.preparedBytes + totals.arenaBytes + totals.outputBytes,
    steps: totals.steps,
    flops: flopsByPhase(runPasses(step, { fuse: false }), sizes),
  };
}

/** Buffers of the arena that steps of the forward pass write and others read. */
function keptActivations(plan: Plan, sizes: Sizes): number {
  const made = new Set<number>();
  const kept = new Set<number>();
  for (const step of plan.steps)
    if (step.origin.phase === undefined) for (const { buffer } of step.results) made.add(buffer);
    else for (const { buffer } of operandViews(step)) if (made.has(buffer)) kept.add(buffer);
  const layout = layoutOf(plan);
  return [...kept]
    .filter((buffer) => plan.buffers[buffer]!.home.kind === "slot")
    .reduce((sum, buffer) => sum + evaluateDim(layout.bytes(buffer), sizes), 0);
}

/** By the graph before fusion, which puts parts of two phases into one kernel. */
function flopsByPhase(graph: Graph, sizes: Sizes): StepFlops {
  const flops = {
    forward: 0,
    ...(Object.fromEntries(phases.map((phase) => [phase, 0])) as Record<Phase, number>),
  };
  for (const node of graph.nodes)
    flops[node.origin.phase ?? "forward"] += evaluateDim(nodeFlops(node), sizes);
  return flops;
}
