import type { Graph, PartialGraph } from "./ir/graph.ts";
import type { Target } from "./kernels/target.ts";
import type { File } from "./language/ast.ts";
import { parse } from "./language/parse.ts";
import { lower, type LoweredModel, type LowerOptions } from "./lower/lower.ts";
import type { Pass, Remark } from "./passes/pass.ts";
import { runPasses } from "./passes/pipeline.ts";
import { planGraph } from "./plan/build.ts";
import type { Plan } from "./plan/plan.ts";
import { isError, sortDiagnostics, type Diagnostic } from "./support/diagnostic.ts";
import type { Source } from "./support/source.ts";

export interface CompileOptions extends LowerOptions {
  /** False leaves out the passes that make one step of several, for comparison. Default: true. */
  readonly fuse?: boolean;
  /** What the graph and its plan are made for; what every target can run if it is left out. */
  readonly target?: Target;
  /** Sees the graph after each pass. */
  readonly observe?: (pass: Pass, graph: Graph) => void;
  /** Checks the graph after each pass. Default: true. */
  readonly verify?: boolean;
}

/** What became of a text: all stages, or as many as its mistakes allow. */
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

  const remarks: Remark[] = [];
  const graph = runPasses(model.graph, {
    fuse: options.fuse ?? true,
    verify: options.verify ?? true,
    report: (remark) => remarks.push(remark),
    ...(options.target && { target: options.target }),
    ...(options.observe && { observe: options.observe }),
  });
  const plan = planGraph(graph, {
    notNeeded: model.notNeeded,
    ...(options.target && { target: options.target }),
  });
  return { file, diagnostics, model, partial, graph, remarks, plan };
}
