import type { Graph } from "../../ir/graph.ts";
import type { Definition } from "../../language/ast.ts";
import type { Context } from "../context.ts";
import * as errors from "../errors/lints.ts";
import type { LoweredTrain } from "../train.ts";
import { covers, silencesOf, type Silence } from "./allow.ts";
import type { Linted } from "./lint.ts";
import { lintNames } from "./names.ts";
import { lints } from "./table.ts";

/** A model that was lowered without errors. */
export interface LintedModel {
  readonly graph: Graph;
  readonly train: LoweredTrain | undefined;
  readonly context: Context;
  readonly definition: Definition;
  /** True if all parameters are as the file has them: only then is it told that an `allow` is of no use. */
  readonly asWritten: boolean;
}

/** Adds what lints find and the file does not silence to the diagnostics. */
export function reportLints({ graph, train, context, definition, asWritten }: LintedModel): void {
  const { namings, scaledEdges, allowed, diagnostics } = context;
  const model: Linted = {
    graph,
    train,
    unreadTaps: namings.unreadTaps,
    unreadTargets: namings.unreadTargets,
    scaledEdges,
  };
  const silences = silencesOf(allowed);
  const used = new Set<Silence>();
  for (const name of lintNames)
    for (const finding of lints[name].find(model)) {
      const covering = silences.filter((silence) => silence.lint === name && covers(silence, finding.spans));
      for (const silence of covering) used.add(silence);
      if (covering.length === 0)
        diagnostics.add(errors.lintFinding(name, lints[name].code, finding), finding.spans.slice(1));
    }
  if (!asWritten) return;
  // A block may need its silence in another model.
  for (const silence of silences)
    if (!used.has(silence) && silence.definition === definition)
      diagnostics.add(errors.silencesNothing(silence.name));
}
