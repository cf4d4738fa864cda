/**
 * `lmg/editor`: what an editor asks of a text, finished or not: what its pieces mean (`compile` with `observeText`), what could be
 * lowered around mistakes, the edits that mend them, the text laid out, the model as a tree of sections.
 */
export { compile, type Compilation, type CompileOptions } from "../compile.ts";
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
