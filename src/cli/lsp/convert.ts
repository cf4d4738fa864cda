import { pathToFileURL } from "node:url";
import {
  CompletionItemKind,
  DiagnosticSeverity,
  SymbolKind,
  type CompletionItem,
  type Diagnostic as SentDiagnostic,
  type DocumentSymbol,
  type Location,
  type Range,
  type TextEdit,
} from "vscode-languageserver/node";
import { liesIn } from "../../editor/analyze.ts";
import type { Completion } from "../../editor/complete.ts";
import type { TextSymbol } from "../../editor/symbols.ts";
import type { Diagnostic, Edit } from "../../support/diagnostic.ts";
import { positionAt, showPlace, type Source, type Span } from "../../support/source.ts";

/** What the compiler says, in the terms of the language server protocol: lines and characters from 0, in UTF-16 code units. */

export const rangeOf = ({ source, start, end }: Span): Range => ({
  start: placeOf(source, start),
  end: placeOf(source, end),
});

export function placeOf(source: Source, offset: number): Range["start"] {
  const { line, column } = positionAt(source, offset);
  return { line: line - 1, character: column - 1 };
}

/** Where files are, by the name of a source: those of the library have none of their own. */
export type UriOf = (source: Source) => string | undefined;

export const fileUri = ({ name }: Source): string => (name.includes("://") ? name : pathToFileURL(name).href);

export function locationOf(span: Span, uriOf: UriOf): Location | undefined {
  const uri = uriOf(span.source);
  return uri === undefined ? undefined : { uri, range: rangeOf(span) };
}

export const editOf = ({ span, text }: Edit): TextEdit => ({ range: rangeOf(span), newText: text });

/**
 * The diagnostic as it is shown in the text of `source`. One of a file that is used stands at the first place of this one, with what it says of
 * where it is.
 */
export function diagnosticOf(diagnostic: Diagnostic, source: Source, uriOf: UriOf): SentDiagnostic {
  const { severity, code, message, labels, help } = diagnostic;
  const own = labels.find(({ span }) => liesIn(span, source));
  const [first] = labels;
  const elsewhere = first !== undefined && !liesIn(first.span, source) ? `${showPlace(first.span)}: ` : "";
  const remark = own?.text === undefined ? "" : ` (${own.text})`;
  const related = labels.flatMap((label) => {
    const location = label === own ? undefined : locationOf(label.span, uriOf);
    return location === undefined ? [] : [{ location, message: label.text ?? message }];
  });
  return {
    range: own === undefined ? rangeOf({ source, start: 0, end: 0 }) : rangeOf(own.span),
    severity: severity === "error" ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code,
    source: "lmg",
    message: `${elsewhere}${message}${remark}${help === undefined ? "" : `\nhelp: ${help}`}`,
    relatedInformation: related,
  };
}

const completionKinds: { readonly [K in Completion["kind"]]: CompletionItemKind } = {
  layer: CompletionItemKind.Function,
  block: CompletionItemKind.Class,
  value: CompletionItemKind.Variable,
  size: CompletionItemKind.TypeParameter,
  parameter: CompletionItemKind.Property,
  word: CompletionItemKind.Keyword,
  setting: CompletionItemKind.Keyword,
};

/** `rank` keeps the order: editors sort by name else. */
export const completionOf = (
  { label, kind, detail, doc, insert }: Completion,
  rank: number,
): CompletionItem => ({
  label,
  kind: completionKinds[kind],
  detail,
  sortText: String(rank).padStart(5, "0"),
  ...(doc !== "" && { documentation: { kind: "markdown", value: doc } }),
  ...(insert !== undefined && { insertText: insert }),
});

const symbolKinds: { readonly [K in TextSymbol["kind"]]: SymbolKind } = {
  model: SymbolKind.Class,
  block: SymbolKind.Function,
  parameter: SymbolKind.Property,
  input: SymbolKind.Variable,
  output: SymbolKind.Variable,
  value: SymbolKind.Constant,
  repeat: SymbolKind.Array,
  edge: SymbolKind.Operator,
  layer: SymbolKind.Field,
  section: SymbolKind.Namespace,
};

export const symbolOf = ({ name, kind, span, selection, children }: TextSymbol): DocumentSymbol => ({
  name,
  kind: symbolKinds[kind],
  range: rangeOf(span),
  selectionRange: rangeOf(selection),
  children: children.map(symbolOf),
});
