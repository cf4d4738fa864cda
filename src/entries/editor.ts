/**
 * `lmg/editor`: what an editor asks of a text, finished or not: what its pieces mean (`compile` with `observeText`), what could be
 * lowered around mistakes, the edits that mend them, the text laid out, the model as a tree of sections.
 */
export { compile, type Compilation, type CompileOptions } from "../compile.ts";
export { analyze, type Analysis, type AnalyzeOptions, type Told } from "../editor/analyze.ts";
export { signatureHelp, type SignatureHelp } from "../editor/calls.ts";
export { complete, type Completion, type CompletionKind } from "../editor/complete.ts";
export { fixes, formatEdits, type Fix } from "../editor/edits.ts";
export { folds, type Fold } from "../editor/folding.ts";
export { hints, type Hint } from "../editor/hints.ts";
export { hover, showHover, type Hover } from "../editor/hover.ts";
export { definitionAt, nameAt, placesOf, type NamedPlace } from "../editor/names.ts";
export { renamable, rename, type Renaming } from "../editor/rename.ts";
export { semanticKinds, semanticTokens, type SemanticKind, type SemanticToken } from "../editor/semantic.ts";
export { symbols, type SymbolKind, type TextSymbol } from "../editor/symbols.ts";
export { format } from "../language/format.ts";

export { labelSpan, type Observe, type TextMeaning } from "../lower/names/observe.ts";
export { showMeaning, type Meaning } from "../lower/values/meaning.ts";
export type { PartialGraph } from "../ir/graph.ts";
export { isSection, outlineOf, sectionsOf, type IterationSection, type Section } from "../ir/outline.ts";
export { showType } from "../tensor/type.ts";

export { positionAt, type Position, type Source, type Span } from "../support/source.ts";
export { showDiagnostic, type Diagnostic, type Edit } from "../support/diagnostic.ts";
export { diagnosticRecord, type DiagnosticRecord } from "../support/record.ts";
export { fixedText } from "../support/fixes.ts";
