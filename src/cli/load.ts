import { compile } from "../compile.ts";
import type { Graph } from "../ir/graph.ts";
import type { Target } from "../kernels/target.ts";
import type { LoweredModel } from "../lower/lower.ts";
import type { Pass, Remark } from "../passes/pass.ts";
import { runPasses } from "../passes/pipeline.ts";
import { planGraph } from "../plan/build.ts";
import type { Plan } from "../plan/plan.ts";
import { InternalError } from "../support/invariant.ts";
import type { Source } from "../support/source.ts";
import type { Out } from "./out.ts";
import { lowerOptions, type ConfigInput, type ModelOptions } from "./source.ts";
import { showDiagnostics, Stop } from "./stop.ts";

/** A model without errors, and all that is made of it, when that is asked for. */
export interface LoadedModel {
  readonly model: LoweredModel;
  /** The graph after all passes. */
  readonly graph: Graph;
  readonly remarks: readonly Remark[];
  readonly plan: Plan;
}

export interface LoadOptions {
  /** Wins over `--config`: `run` reads that of the checkpoint. */
  readonly config?: ConfigInput | undefined;
  /** Sees the graph after each pass. */
  readonly observe?: (pass: Pass, graph: Graph) => void;
  /** What passes and plan are made for. */
  readonly target?: Target;
}

/** Compiles a model. Its mistakes end the command; warnings are printed and it goes on. */
export async function loadModel(
  source: Source,
  options: ModelOptions,
  out: Out,
  { config, observe, target }: LoadOptions = {},
): Promise<LoadedModel> {
  const compiled = compile(source, {
    ...lowerOptions(source.name, options, config),
    fuse: options.fuse ?? true,
    ...(observe === undefined ? {} : { observe }),
    ...(target === undefined ? {} : { target }),
  });
  const { diagnostics, model } = compiled;
  if (model === undefined) throw new Stop(diagnostics);
  showDiagnostics(diagnostics, out);
  if (options.checkPasses === true) await requireSamePasses(model.graph, options, out);
  return {
    model,
    get graph() {
      return compiled.graph!;
    },
    get remarks() {
      return compiled.remarks;
    },
    get plan() {
      return compiled.plan!;
    },
  };
}

/** A graph as it was lowered and after all passes, and its plan. */
export interface LoadedPlan extends Pick<LoadedModel, "graph" | "plan"> {
  readonly lowered: Graph;
}

/** The same of a model, or of its training step if that is asked for. */
export async function loadPlan(
  source: Source,
  options: ModelOptions & { readonly train?: true },
  out: Out,
  more: Pick<LoadOptions, "observe" | "target"> = {},
): Promise<LoadedPlan> {
  if (options.train === true) {
    const { loadStep } = await import("./train/model.ts");
    const loaded = loadStep(source, options, out, more);
    if (options.checkPasses === true) await requireSamePasses(loaded.lowered, options, out);
    return loaded;
  }
  const { model, graph, plan } = await loadModel(source, options, out, more);
  return { lowered: model.graph, graph, plan };
}

/**
 * A pass that changes what the model computes, or a plan in which a tensor is overwritten before its last reader, is a bug
 * of ours. Loaded only when it is asked for.
 */
export async function requireSamePasses(
  graph: Graph,
  { fuse = true }: ModelOptions,
  out: Out,
): Promise<void> {
  const { checkPasses, checkSizes, showDifference } = await import("../passes/check.ts");
  const difference = checkPasses(graph, { fuse });
  if (difference !== undefined) throw new InternalError(showDifference(difference));
  const { verifyPlan } = await import("../plan/verify.ts");
  const [problem] = verifyPlan(planGraph(runPasses(graph, { fuse })), checkSizes(graph));
  if (problem !== undefined) throw new InternalError(`in the plan, ${problem}`);
  out.note(
    "every pass keeps what the model computes, on random and on hard inputs; no step of the plan writes what is still to be read\n",
  );
}
