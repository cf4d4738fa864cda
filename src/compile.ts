import type { Graph, PartialGraph } from "./ir/graph.ts";
import type { File } from "./language/ast.ts";
import { parse } from "./language/parse.ts";
import { lower, type LoweredModel, type LowerOptions } from "./lower/lower.ts";
import type { Remark } from "./passes/pass.ts";
import { runPasses, type PassOptions } from "./passes/pipeline.ts";
import { planGraph } from "./plan/build.ts";
import type { Plan } from "./plan/plan.ts";
import { isError, sortDiagnostics, type Diagnostic } from "./support/diagnostic.ts";
import { lazily } from "./support/lazily.ts";
import type { Source } from "./support/source.ts";

export interface CompileOptions extends LowerOptions, Omit<PassOptions, "report"> {
  /** Checks the graph after each pass, ours or not; a graph that fails is a bug of that pass. Default: true. */
  readonly verify?: boolean;
}

/**
 * What became of a text: all stages, or as many as its mistakes allow. The tree and the model are there; passes run when
 * the graph or its remarks are first asked for, and the plan is made when it is.
 */
export interface Compilation {
  /** The tree, without the statements that could not be parsed. */
  readonly file: File;
  /** Errors and warnings, in the order of the text. With an error there is no model. */
  readonly diagnostics: readonly Diagnostic[];
  readonly model: LoweredModel | undefined;
  /** With an error: what could be lowered, for editors. */
  readonly partial: PartialGraph | undefined;
  /** The graph after all passes. */
  readonly graph: Graph | undefined;
  /** What fused and what did not; `explainEdges` sorts it by edge. */
  readonly remarks: readonly Remark[];
  readonly plan: Plan | undefined;
}

/** The whole compiler but for the last step: text → tree → graph → passes → plan. Never throws for what a user wrote. */
export function compile(source: Source, options: CompileOptions = {}): Compilation {
  const { file, diagnostics: syntax } = parse(source);
  const { model, partial, diagnostics: meaning } = lower(file, options);
  // Of a text with holes much is wrong that only follows from them.
  const isBroken = syntax.some(isError);
  const diagnostics = sortDiagnostics(isBroken ? syntax : [...syntax, ...meaning]);
  if (isBroken || model === undefined)
    return {
      file,
      diagnostics,
      model: undefined,
      partial: partial ?? model?.graph,
      graph: undefined,
      remarks: [],
      plan: undefined,
    };

  const passed = lazily(() => {
    const remarks: Remark[] = [];
    const verify = options.verify ?? true;
    const graph = runPasses(model.graph, { ...options, verify, report: (remark) => remarks.push(remark) });
    return { graph, remarks };
  });
  const plan = lazily(() => planGraph(passed().graph, { ...options, notNeeded: model.notNeeded }));
  return {
    file,
    diagnostics,
    model,
    partial,
    get graph() {
      return passed().graph;
    },
    get remarks() {
      return passed().remarks;
    },
    get plan() {
      return plan();
    },
  };
}
