import { largest } from "./lists.ts";
import { lineText, positionAt, showPlace, spanText, type Position, type Span } from "./source.ts";
import { visible } from "./text.ts";

export type Severity = "error" | "warning";

/** A remark under one span: the first label is the place that is blamed, the others explain it. */
export interface Label {
  readonly span: Span;
  readonly text?: string;
}

/** A text that takes the place of a span; one without width is put in. */
export interface Edit {
  readonly span: Span;
  readonly text: string;
}

/**
 * What the compiler has to say to the writer of a file: a value, never thrown by the core.
 * `code` is stable (`E…` error, `W…` warning); `help` is a way forward, in one sentence; `fix` are the edits that,
 * all together, mend it, where the compiler knows them.
 */
export interface Diagnostic {
  readonly severity: Severity;
  readonly code: string;
  readonly message: string;
  readonly labels: readonly Label[];
  readonly help?: string;
  readonly fix?: readonly Edit[];
}

/** What may be said of a diagnostic beside its message. */
export interface DiagnosticOptions {
  readonly label?: string;
  readonly help?: string;
  /** Labels that explain it. */
  readonly more?: readonly Label[];
  /** What should stand in the place that is blamed. */
  readonly instead?: string | undefined;
  /** The word that is blamed, and the one that was most likely meant. */
  readonly misspelt?: { readonly word: string; readonly meant: string };
  /** Where that is not the place that is blamed, or one edit is not enough. */
  readonly fix?: readonly Edit[];
}

export const isError = (diagnostic: Diagnostic): boolean => diagnostic.severity === "error";

/** Builds an error at one place. */
export function errorAt(
  code: string,
  span: Span,
  message: string,
  options: DiagnosticOptions = {},
): Diagnostic {
  return make("error", code, span, message, options);
}

/** Builds a warning at one place. */
export function warningAt(
  code: string,
  span: Span,
  message: string,
  options: DiagnosticOptions = {},
): Diagnostic {
  return make("warning", code, span, message, options);
}

function make(
  severity: Severity,
  code: string,
  span: Span,
  message: string,
  { label, help, more = [], instead, misspelt, fix }: DiagnosticOptions,
): Diagnostic {
  const first: Label = label === undefined ? { span } : { span, text: label };
  // What is blamed may be more than the word, or stand in another text than the file's.
  const isWord = misspelt !== undefined && spanText(span) === misspelt.word;
  const text = instead ?? (isWord ? misspelt.meant : undefined);
  const edits = fix ?? (text === undefined ? undefined : [{ span, text }]);
  return {
    severity,
    code,
    message,
    labels: [first, ...more],
    ...(help !== undefined && { help }),
    ...(edits !== undefined && { fix: edits }),
  };
}

/** How a diagnostic is painted; the identity where there is no terminal. */
export interface Paint {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
}

const same = (text: string): string => text;
export const plainPaint: Paint = { error: same, warning: same, strong: same, faint: same };

/**
 * The message as people read it:
 *
 *     model.lmg:3:7: error[E207]: `ln` has width 64, but the stream here is 32 wide
 *       3 |   ln: layernorm
 *         |   ^^ expected width 32
 *       help: …
 */
export function showDiagnostic(diagnostic: Diagnostic, paint: Paint = plainPaint): string {
  const [first] = diagnostic.labels;
  const colour = diagnostic.severity === "error" ? paint.error : paint.warning;
  const place = first === undefined ? "" : `${showPlace(first.span)}: `;
  const head = `${place}${colour(`${diagnostic.severity}[${diagnostic.code}]`)}: ${paint.strong(prose(diagnostic.message))}`;
  const places = diagnostic.labels.map((label) => ({
    label,
    ...positionAt(label.span.source, label.span.start),
  }));
  const digits = largest(
    places.map(({ line }) => String(line).length),
    0,
  );
  const excerpts = places.map((place, index) => {
    const isNamed = place.label.span.source !== first?.span.source;
    return excerpt(place, { digits, isNamed, colour: index === 0 ? colour : paint.faint }, paint);
  });
  const help = diagnostic.help === undefined ? [] : [`  help: ${prose(diagnostic.help)}`];
  return [head, ...excerpts, ...help].join("\n");
}

/** Longest message that is shown; what quotes more of a model than that is cut in its middle. */
const MAX_PROSE = 2000;

/** What is said, safe to print; further lines of it are indented, so that none looks like a message of its own. */
function prose(text: string): string {
  const half = MAX_PROSE / 2;
  const short = text.length <= MAX_PROSE ? text : `${text.slice(0, half)} … ${text.slice(-half)}`;
  return short.split("\n").map(visible).join("\n  ");
}

/** Longest part of a source line that is shown; wider lines are cut around the caret. */
const MAX_EXCERPT = 160;

/** `digits` is the width of the line numbers, which is one for all excerpts of a message. */
function excerpt(
  { label, line, column }: Position & { readonly label: Label },
  style: { readonly digits: number; readonly isNamed: boolean; readonly colour: (text: string) => string },
  paint: Paint,
): string {
  const { source, start, end } = label.span;
  const whole = lineText(source, line).replaceAll("\t", " ");
  const from = whole.length <= MAX_EXCERPT ? 0 : Math.max(0, column - 1 - MAX_EXCERPT / 2);
  const text = visible(whole.slice(from, from + MAX_EXCERPT));
  // Counted in the text as it is shown, where an odd character is several.
  const caretAt = visible(whole.slice(from, column - 1)).length;
  const blamed = visible(whole.slice(column - 1, Math.min(column - 1 + end - start, from + MAX_EXCERPT)));
  const carets = "^".repeat(Math.max(1, blamed.length));
  const number = String(line).padStart(style.digits);
  const gutter = " ".repeat(style.digits);
  const remark = label.text === undefined ? "" : ` ${prose(label.text)}`;
  const lines = [
    `  ${paint.faint(`${number} |`)} ${text}`,
    `  ${paint.faint(`${gutter} |`)} ${" ".repeat(caretAt)}${style.colour(carets + remark)}`,
  ];
  return (style.isNamed ? [`  ${paint.faint(`in ${showPlace(label.span)}`)}`, ...lines] : lines).join("\n");
}

/** In the order of the text, errors and warnings together, repeats removed. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics
    .filter((diagnostic) => {
      const key = showDiagnostic(diagnostic);
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => startOf(a) - startOf(b));
}

const startOf = (diagnostic: Diagnostic): number => diagnostic.labels[0]?.span.start ?? 0;
