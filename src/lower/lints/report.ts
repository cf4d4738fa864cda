import type { Graph } from "../../ir/graph.ts";
import type { Definition } from "../../language/ast.ts";
import { namesRead } from "../../language/mentions.ts";
import type { Context } from "../frame/context.ts";
import * as errors from "../errors/lints.ts";
import type { Module } from "../names/module.ts";
import type { LoweredTrain } from "../train/train.ts";
import { allowsIn, covers, silencesOf, type Silence } from "./allow.ts";
import type { Linted, NamedLint } from "./lint.ts";
import { ourLints } from "./table.ts";

/** A model that was lowered without errors. */
export interface LintedModel {
  readonly graph: Graph;
  readonly train: LoweredTrain | undefined;
  readonly context: Context;
  readonly module: Module;
  readonly definition: Definition;
  /** Those of the program that compiles, beside ours. */
  readonly ownLints: readonly NamedLint[];
  /** True if all parameters are as the file has them: only then is it told that an `allow` is of no use. */
  readonly asWritten: boolean;
}

/** Adds what lints find and the file does not silence to the diagnostics. */
export function reportLints(linted: LintedModel): void {
  const { graph, train, context, module, definition, ownLints, asWritten } = linted;
  const { namings, scaledEdges, allowed, diagnostics } = context;
  const model: Linted = {
    graph,
    train,
    unreadTaps: namings.unreadTaps,
    unreadTargets: namings.unreadTargets,
    scaledEdges,
    module,
    definition,
    reads: readsOf(),
  };
  const met = silencesOf(allowed, context.lintNames);
  const silences = [...met, ...elsewhereSilences(module, definition, context.lintNames)];
  const used = new Set<Silence>();
  for (const { name, code, find } of [...ourLints, ...ownLints])
    for (const finding of find(model)) {
      const covering = silences.filter(
        (silence) =>
          silence.name.text === name && (finding.isAtTop === true || covers(silence, finding.spans)),
      );
      for (const silence of covering) used.add(silence);
      if (covering.length === 0)
        diagnostics.add(errors.lintFinding(name, code, finding), finding.spans.slice(1));
    }
  if (!asWritten) return;
  // A block may need its silence in another model.
  for (const silence of met)
    if (!used.has(silence) && silence.definition === definition)
      diagnostics.add(errors.silencesNothing(silence.name));
}

/** The silences of the file's other definitions, which the lowering of this model may not have met. */
const elsewhereSilences = (module: Module, model: Definition, lints: readonly string[]): readonly Silence[] =>
  [...module.own.values()]
    .filter((definition) => definition !== model)
    .flatMap((definition) => silencesOf(allowsIn(definition), lints));

/** The names that a definition reads, worked out once. */
function readsOf(): Linted["reads"] {
  const known = new Map<Definition, ReturnType<typeof namesRead>>();
  return (definition) => {
    const names = known.get(definition) ?? namesRead(definition);
    known.set(definition, names);
    return names;
  };
}
