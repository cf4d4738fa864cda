import type { Definition, Statement } from "../language/ast.ts";
import type { Layer } from "../language/ast/expressions.ts";
import { spanText, type Span } from "../support/source.ts";
import type { Analysis } from "./analyze.ts";
import { bodiesIn } from "./hints.ts";

export type SymbolKind =
  "model" | "block" | "parameter" | "input" | "output" | "value" | "repeat" | "edge" | "layer" | "section";

/** A part of a text that has a name, with the parts in it. */
export interface TextSymbol {
  readonly name: string;
  readonly kind: SymbolKind;
  /** All of it. */
  readonly span: Span;
  /** Its name. */
  readonly selection: Span;
  readonly children: readonly TextSymbol[];
}

/** The outline of a text: its definitions, their parameters, inputs, repeats, residual edges and labelled layers. */
export const symbols = ({ file }: Pick<Analysis, "file">): readonly TextSymbol[] =>
  file.definitions.map(definitionSymbol);

const definitionSymbol = ({ kind, name, span, parameters, body }: Definition): TextSymbol => ({
  name: name.text,
  kind,
  span,
  selection: name.span,
  children: [
    ...parameters.map((parameter): TextSymbol => ({
      name: parameter.name.text,
      kind: "parameter",
      span: parameter.span,
      selection: parameter.name.span,
      children: [],
    })),
    ...body.statements.flatMap(statementSymbols),
  ],
});

function statementSymbols(statement: Statement): readonly TextSymbol[] {
  const inside = bodiesIn(statement).flatMap((body) => body.statements.flatMap(statementSymbols));
  switch (statement.kind) {
    case "input":
    case "output":
      return [named(statement.kind, statement.name.text, statement.span, statement.name.span, [])];
    case "let":
      return [named("value", statement.name.text, statement.span, statement.name.span, [])];
    case "bind":
      return [
        ...statement.targets.map((target) => named("value", target.text, statement.span, target.span, [])),
        ...chainSymbols(statement.chain),
      ];
    case "chain":
      return chainSymbols(statement.chain);
    case "repeat": {
      const { label } = statement;
      return [
        named(
          "repeat",
          `repeat ${label === undefined ? "" : spanText(label.span)}`.trim(),
          statement.span,
          label?.span,
          inside,
        ),
      ];
    }
    case "residual": {
      const norms = statement.clauses.flatMap((clause) =>
        clause.kind === "norm" ? [layerSymbol(clause.layer)] : [],
      );
      return [named("edge", headOf(statement.span), statement.span, undefined, [...norms.flat(), ...inside])];
    }
    case "train":
    case "config":
      return [named("section", statement.kind, statement.span, undefined, [])];
    default:
      return inside;
  }
}

const named = (
  kind: SymbolKind,
  name: string,
  span: Span,
  selection: Span | undefined,
  children: readonly TextSymbol[],
): TextSymbol => ({
  name,
  kind,
  span,
  selection: selection ?? { ...span, end: span.start + kind.length },
  children,
});

/** `residual pre ln: layernorm`: a statement up to its body. */
const headOf = (span: Span): string => spanText(span).split("{")[0]!.replace(/\s+/g, " ").trim();

const chainSymbols = ({
  head,
  steps,
}: {
  readonly head: unknown;
  readonly steps: readonly { readonly layer: Layer }[];
}): readonly TextSymbol[] => [
  ...(isLayer(head) ? layerSymbol(head) : []),
  ...steps.flatMap(({ layer }) => layerSymbol(layer)),
];

const isLayer = (head: unknown): head is Layer => (head as { readonly kind?: string }).kind === "layer";

/** Layers without a label have no name of their own. */
function layerSymbol({ label, span }: Layer): readonly TextSymbol[] {
  return label === undefined ? [] : [named("layer", spanText(label.span), span, label.span, [])];
}
