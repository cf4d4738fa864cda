import type { PartialGraph } from "../ir/graph.ts";
import type { File } from "../language/ast.ts";
import { tokenize, type Token } from "../language/tokens.ts";
import { lower, type LoweredModel, type LowerOptions } from "../lower/lower.ts";
import type { TextMeaning } from "../lower/names/observe.ts";
import { parseOpen } from "./closed.ts";
import { isError, sortDiagnostics, type Diagnostic } from "../support/diagnostic.ts";
import type { Source, Span } from "../support/source.ts";

export type AnalyzeOptions = Omit<LowerOptions, "observeText" | "outputs">;

/** A piece of a text, and one of the things that it means. */
export interface Told<M extends TextMeaning = TextMeaning> {
  readonly span: Span;
  readonly meaning: M;
}

/** Whether a place lies in a text: what is analysed may have been closed at its end, and is another object then. */
export const liesIn = ({ source }: Span, { name }: Source): boolean => source.name === name;

/** All that editors ask of a text, finished or not, and of the files that it uses. Never changed: a new text is analysed anew. */
export interface Analysis {
  readonly source: Source;
  readonly options: AnalyzeOptions;
  /** Without the statements that could not be parsed. */
  readonly file: File;
  /** Those of used files too, in the order of the text. */
  readonly diagnostics: readonly Diagnostic[];
  readonly model: LoweredModel | undefined;
  /** The model's graph, or what could be lowered around the mistakes. */
  readonly graph: PartialGraph | undefined;
  /** What pieces of the text mean, of the files that it uses and of the library, in the order in which they were lowered. */
  readonly told: readonly Told[];
  readonly tokens: readonly Token[];
}

/** Parses and lowers a text, without passes and plan. Never throws for what was written. */
export function analyze(source: Source, options: AnalyzeOptions = {}): Analysis {
  const { file, diagnostics: syntax } = parseOpen(source);
  const told: Told[] = [];
  const {
    model,
    partial,
    diagnostics: meaning,
  } = lower(file, {
    lint: true,
    ...options,
    observeText: (span, meaning) => told.push({ span, meaning }),
  });
  // Of a text with holes much is wrong that only follows from them.
  const isBroken = syntax.some(isError);
  return {
    source,
    options,
    file,
    diagnostics: sortDiagnostics(isBroken ? syntax : [...syntax, ...meaning]),
    model: isBroken ? undefined : model,
    graph: model?.graph ?? partial,
    told,
    tokens: tokenize(source.text),
  };
}
