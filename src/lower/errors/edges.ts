import type { GainClause, InitClause, ResidualStatement } from "../../language/ast.ts";
import type { Expression, Layer, Name } from "../../language/ast/expressions.ts";
import { errorAt, type Diagnostic, type Label } from "../../support/diagnostic.ts";
import { spanText, type Span } from "../../support/source.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { describe, type Meaning } from "../values/meaning.ts";
import { suggest } from "./suggest.ts";

export const clauseTwice = (span: Span, what: string, first: Span): Diagnostic => {
  const isSandwich = [span, first].some((clause) => spanText(clause).startsWith("sandwich"));
  return errorAt("E522", span, `\`${what}\` stands twice on this edge`, {
    more: [{ span: first, text: "the first one" }],
    ...(isSandwich ? { help: "`sandwich` counts as `pre` and `out`" } : {}),
  });
};

export const unknownClause = (
  position: Name,
  found: Meaning | undefined,
  parameters: readonly string[],
): Diagnostic => {
  const words = ["pre", "out", "post", "sandwich", "skip", "branch", "from", "init", ...parameters];
  const message =
    found === undefined
      ? `\`${position.text}\` is no clause of an edge`
      : `\`${position.text}\` is ${describe(found)}, not a placement`;
  const otherwise =
    "clauses are pre, out, post, sandwich, from, skip, branch and init, or a parameter of kind placement";
  return errorAt("E523", position.span, message, suggest(position.text, words, otherwise));
};

export const fromWhat = (span: Span, found: Meaning): Diagnostic =>
  errorAt("E524", span, `an edge carries a tensor, but \`${spanText(span)}\` is ${describe(found)}`);

export const gainOfWhat = ({ kind, gain }: GainClause, found: Meaning): Diagnostic =>
  errorAt("E525", gain.span, `\`${kind}\` takes a number, a tensor or a layer, got ${describe(found)}`);

export const normGainOfWhat = (gain: Expression, found: Meaning): Diagnostic =>
  errorAt("E525", gain.span, `what multiplies a norm is a number or a tensor, got ${describe(found)}`);

export const normGainDoesNotFit = (gain: Expression, normed: TensorType, found: TensorType): Diagnostic =>
  errorAt("E525", gain.span, `the norm gives ${showType(normed)}, which ${showType(found)} cannot multiply`);

export const normGivesNoTensor = (layer: Layer, found: Meaning): Diagnostic =>
  errorAt("E526", layer.span, `a norm of an edge gives one tensor, but this gives ${describe(found)}`);

export const noBranches = (span: Span): Diagnostic =>
  errorAt("E527", span, "`parallel` has no branch", {
    help: "each chain, edge or `{ … }` in it is a branch; bindings are not",
  });

export const initBelowZero = (clause: InitClause, found: number): Diagnostic =>
  errorAt("E529", clause.factor.span, `\`init\` takes a factor of at least 0, got ${found}`);

/** What stands last in the branch, if no weights end it. */
export const initScalesNothing = (clause: InitClause, made: Span | undefined): Diagnostic =>
  errorAt(
    "E530",
    clause.span,
    "`init` scales the weights that end a branch, but no weights of its own end this one",
    {
      more: made === undefined ? [] : [{ span: made, text: "the branch ends with this" }],
      help: "give the initializer to the layer that is meant: `linear(…, init: normal(std: 0.01))`",
    },
  );

interface BlamedBranch {
  readonly value: { readonly type: TensorType };
  readonly span: Span;
  readonly label: string;
}

export function edgeDoesNotFit(
  statement: ResidualStatement,
  source: TensorType,
  sourceMade: Span | undefined,
  branch: BlamedBranch | undefined,
  message: string | undefined,
): Diagnostic {
  const ends = branch === undefined ? (message ?? "") : `the branch ends with ${showType(branch.value.type)}`;
  const made: readonly Label[] =
    sourceMade === undefined
      ? []
      : [{ span: sourceMade, text: `the edge carries ${showType(source)} from here` }];
  return errorAt(
    "E528",
    branch?.span ?? statement.span,
    `${ends}, but the edge carries ${showType(source)}`,
    {
      ...(branch === undefined ? {} : { label: showType(branch.value.type) }),
      more: made,
      help: "end the branch with a layer that gives what the edge carries, or project what it carries: `from (stream -> proj: linear(…))`",
    },
  );
}

/** Integers have no part in an edge, which scales and norms what it adds. */
export const edgeOfIntegers = (
  statement: ResidualStatement,
  source: TensorType,
  sourceMade: Span | undefined,
): Diagnostic =>
  errorAt("E528", statement.span, `a residual edge adds floats, but this one carries ${showType(source)}`, {
    more:
      sourceMade === undefined
        ? []
        : [{ span: sourceMade, text: `the edge carries ${showType(source)} from here` }],
    help: "make floats of it before the edge: `cast(f32)`",
  });
