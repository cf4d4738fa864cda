import type { Position } from "../../ir/graph.ts";
import type {
  FromClause,
  GainClause,
  InitClause,
  NormClause,
  ResidualStatement,
} from "../../language/ast.ts";
import type { Expression, Layer } from "../../language/ast/expressions.ts";
import type { Span } from "../../support/source.ts";
import { headLayer } from "../statements/chains.ts";
import type { Frame } from "../frame/context.ts";
import * as errors from "../errors/edges.ts";
import { isPlacement, placements, type Placement } from "../values/kinds.ts";
import { tellName } from "../names/references.ts";

/** The clauses of an edge, each in its place. */
export interface Clauses {
  readonly from: FromClause | undefined;
  readonly skip: Gained | undefined;
  readonly branch: Gained | undefined;
  readonly init: InitClause | undefined;
  readonly norms: Readonly<Partial<Record<Position, PlacedNorm>>>;
}

/** A norm in its place, and what multiplies its result. */
export interface PlacedNorm {
  readonly layer: Layer;
  readonly gain: Expression | undefined;
}

export interface Gained {
  readonly clause: GainClause;
  /** The layer at the head of the gain, if it begins with one. */
  readonly head: Layer | undefined;
  readonly isLayer: boolean;
}

/** Sorts clauses by what they do; one that stands twice is reported. */
export function sortClauses(statement: ResidualStatement, frame: Frame): Clauses {
  const first = new Map<string, Span>();
  const norms: Partial<Record<Position, PlacedNorm>> = {};
  let from: FromClause | undefined;
  let skip: Gained | undefined;
  let branch: Gained | undefined;
  let init: InitClause | undefined;
  const isNew = (what: string, span: Span): boolean => {
    const there = first.get(what);
    if (there === undefined) first.set(what, span);
    else frame.context.diagnostics.add(errors.clauseTwice(span, what, there), frame.calls);
    return there === undefined;
  };
  for (const clause of statement.clauses) {
    if (clause.kind === "norm") {
      for (const [position, layer] of normLayers(clause, frame))
        if (isNew(position, clause.span)) norms[position] = { layer, gain: clause.gain };
    } else if (!isNew(clause.kind, clause.span)) continue;
    else if (clause.kind === "from") from = clause;
    else if (clause.kind === "init") init = clause;
    else if (clause.kind === "skip") skip = gained(clause, frame);
    else branch = gained(clause, frame);
  }
  return { from, skip, branch, init, norms };
}

function gained(clause: GainClause, frame: Frame): Gained {
  const head = headLayer(clause.gain.head, frame);
  return { clause, head, isLayer: head !== undefined };
}

/** The norms that a clause places; `sandwich ln: norm` places `ln.pre` and `ln.out`, each with the clause's gain. */
function normLayers(clause: NormClause, frame: Frame): readonly (readonly [Position, Layer])[] {
  const placement = placementOf(clause, frame);
  switch (placement) {
    case undefined:
    case "none":
      return [];
    case "pre":
    case "out":
    case "post":
      return [[placement, clause.layer]];
    case "sandwich":
      return [
        ["pre", withSuffix(clause.layer, "pre")],
        ["out", withSuffix(clause.layer, "out")],
      ];
  }
}

function withSuffix(layer: Layer, suffix: string): Layer {
  const { label } = layer;
  if (label === undefined) return layer;
  const longer =
    "parts" in label
      ? { ...label, parts: [...label.parts, label.parts.length === 0 ? suffix : `.${suffix}`] }
      : { ...label, text: `${label.text}.${suffix}` };
  return { ...layer, label: longer };
}

/** The word itself, or what a parameter of kind placement holds. */
function placementOf({ position }: NormClause, frame: Frame): Placement | undefined {
  if (isPlacement(position.text)) {
    frame.context.observe?.(position.span, { kind: "word", name: position.text, words: placements });
    return position.text;
  }
  const binding = frame.scope.find(position.text);
  if (binding !== undefined) tellName(position, binding, frame);
  const meaning = binding?.meaning;
  if (meaning?.kind === "word" && isPlacement(meaning.value)) return meaning.value;
  if (meaning?.kind === "none") return "none";
  if (binding === undefined || meaning !== undefined) {
    const parameters = [...frame.scope.names()].filter(
      (name) => frame.scope.find(name)?.meaning?.kind === "word",
    );
    frame.context.diagnostics.add(errors.unknownClause(position, meaning, parameters), frame.calls);
  }
  return undefined;
}
