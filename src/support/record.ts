import type { Diagnostic, Edit, Label, Severity } from "./diagnostic.ts";
import { positionAt, type Span } from "./source.ts";

/** A place in a text: lines and columns from 1, offsets from 0 in UTF-16 code units; the end is the first that is outside. */
export interface PlaceRecord {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
}

export interface SpanRecord {
  readonly start: PlaceRecord;
  readonly end: PlaceRecord;
}

/** A remark under one place; the first of a diagnostic is the one that is blamed. */
export interface LabelRecord {
  readonly path: string;
  readonly span: SpanRecord;
  readonly text: string | null;
}

/** A text that takes the place of another one. */
export interface EditRecord {
  readonly path: string;
  readonly span: SpanRecord;
  readonly text: string;
}

/** A diagnostic as plain data, as `--json` writes it: every member is there, what is not known is null or empty. */
export interface DiagnosticRecord {
  /** The file that is blamed. */
  readonly path: string | null;
  readonly span: SpanRecord | null;
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly labels: readonly LabelRecord[];
  readonly help: string | null;
  /** Edits that, all together, mend it. */
  readonly fix: readonly EditRecord[];
}

/** `path` is told of a diagnostic that points into no text. */
export function diagnosticRecord(diagnostic: Diagnostic, path: string | null = null): DiagnosticRecord {
  const { severity, code, message, help, fix = [] } = diagnostic;
  const labels = diagnostic.labels.map(labelRecord);
  const [first] = labels;
  return {
    path: first?.path ?? path,
    span: first?.span ?? null,
    severity,
    code,
    message,
    labels,
    help: help ?? null,
    fix: fix.map(editRecord),
  };
}

const labelRecord = ({ span, text }: Label): LabelRecord => ({
  path: span.source.name,
  span: spanRecord(span),
  text: text ?? null,
});

const editRecord = ({ span, text }: Edit): EditRecord => ({
  path: span.source.name,
  span: spanRecord(span),
  text,
});

const spanRecord = ({ source, start, end }: Span): SpanRecord => ({
  start: { ...positionAt(source, start), offset: start },
  end: { ...positionAt(source, end), offset: end },
});
