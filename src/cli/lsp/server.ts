import {
  CodeActionKind,
  DidChangeWatchedFilesNotification,
  DocumentHighlightKind,
  ErrorCodes,
  FoldingRangeKind,
  InlayHintKind,
  type InlayHint,
  MarkupKind,
  MessageType,
  ShowMessageNotification,
  ResponseError,
  SemanticTokensBuilder,
  TextDocuments,
  TextDocumentSyncKind,
  type CodeAction,
  type Connection,
  type InitializeResult,
  type Range,
  type TextDocumentPositionParams,
  type WorkspaceEdit,
} from "vscode-languageserver/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { liesIn, type Analysis } from "../../editor/analyze.ts";
import { signatureHelp } from "../../editor/calls.ts";
import { complete } from "../../editor/complete.ts";
import { fixes, formatEdits } from "../../editor/edits.ts";
import { folds } from "../../editor/folding.ts";
import { hints } from "../../editor/hints.ts";
import { hover, showHover } from "../../editor/hover.ts";
import { definitionAt, nameAt, placesOf } from "../../editor/names.ts";
import { renamable, rename } from "../../editor/rename.ts";
import { semanticKinds, semanticTokens } from "../../editor/semantic.ts";
import { symbols } from "../../editor/symbols.ts";
import { isError, type Edit } from "../../support/diagnostic.ts";
import { countOf, listWords } from "../../support/text.ts";
import { completionOf, diagnosticOf, editOf, locationOf, placeOf, rangeOf, symbolOf } from "./convert.ts";
import { ir, picture, type DrawParams, type IrParams } from "./requests.ts";
import { Workspace } from "./workspace.ts";

/** What the server can do, as it tells editors. */
const capabilities: InitializeResult["capabilities"] = {
  textDocumentSync: TextDocumentSyncKind.Incremental,
  hoverProvider: true,
  definitionProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  documentSymbolProvider: true,
  documentFormattingProvider: true,
  foldingRangeProvider: true,
  inlayHintProvider: true,
  renameProvider: { prepareProvider: true },
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
  completionProvider: { triggerCharacters: [":", "(", ",", ">", "["] },
  signatureHelpProvider: { triggerCharacters: ["(", ","] },
  semanticTokensProvider: { legend: { tokenTypes: [...semanticKinds], tokenModifiers: [] }, full: true },
};

/** A server for editors: a thin shell around `editor/`, which knows all that is said. Ends with its connection. */
export class LanguageServer {
  readonly #connection: Connection;
  readonly #documents = new TextDocuments(TextDocument);
  readonly #workspace = new Workspace(this.#documents);
  /** Texts that changed and were not looked at since; several changes in a row are looked at once. */
  readonly #stale = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.onInitialize(() => ({ capabilities, serverInfo: { name: "lmg" } }));
    connection.onShutdown(() => {
      this.#workspace.dispose();
    });
    this.#follow();
    this.#answerAboutPlaces();
    this.#answerAboutTexts();
    this.#answerAboutChanges();
    this.#answerOwn();
  }

  listen(): void {
    this.#documents.listen(this.#connection);
    this.#connection.listen();
  }

  /** Diagnostics of what is open, anew when it or a file that it uses changes. */
  #follow(): void {
    this.#documents.onDidChangeContent(({ document: { uri } }) => {
      this.#refresh([uri, ...this.#workspace.changed(uri)]);
    });
    this.#documents.onDidClose(({ document: { uri } }) => {
      this.#workspace.close(uri);
      void this.#connection.sendDiagnostics({ uri, diagnostics: [] });
      this.#refresh(this.#workspace.changed(uri));
    });
    this.#connection.onNotification(DidChangeWatchedFilesNotification.type, ({ changes }) => {
      for (const { uri } of changes) this.#refresh(this.#workspace.changed(uri));
    });
  }

  #refresh(uris: readonly string[]): void {
    if (this.#stale.size === 0 && uris.length > 0) setImmediate(() => this.#publish());
    for (const uri of uris) this.#stale.add(uri);
  }

  #publish(): void {
    for (const uri of this.#stale) {
      this.#stale.delete(uri);
      const analysis = this.#workspace.analysis(uri);
      if (analysis === undefined) continue;
      const { source } = analysis;
      const diagnostics = analysis.diagnostics
        // What is only remarked of another file is said there.
        .filter((each) => isError(each) || liesIn(each.labels[0]!.span, source))
        .map((each) => diagnosticOf(each, source, this.#workspace.uriOf));
      const version = this.#documents.get(uri)?.version;
      void this.#connection.sendDiagnostics({ uri, diagnostics, ...(version !== undefined && { version }) });
    }
  }

  /** An analysis, and the offset of a place in it. */
  #at({
    textDocument: { uri },
    position,
  }: TextDocumentPositionParams): { analysis: Analysis; offset: number } | undefined {
    const analysis = this.#workspace.analysis(uri);
    return analysis && { analysis, offset: this.#documents.get(uri)!.offsetAt(position) };
  }

  #answerAboutPlaces(): void {
    const { uriOf } = this.#workspace;
    this.#connection.onHover((asked) => {
      const at = this.#at(asked);
      const found = at && hover(at.analysis, at.offset);
      if (found === undefined) return undefined;
      const range = rangeOf({ source: at!.analysis.source, ...found.span });
      return { range, contents: { kind: MarkupKind.Markdown, value: showHover(found) } };
    });
    this.#connection.onDefinition((asked) => {
      const at = this.#at(asked);
      const span = at && definitionAt(at.analysis, at.offset);
      return span && locationOf(span, uriOf);
    });
    this.#connection.onReferences((asked) =>
      this.#placesAt(asked)
        .slice(asked.context.includeDeclaration ? 0 : 1)
        .flatMap((span) => locationOf(span, uriOf) ?? []),
    );
    this.#connection.onDocumentHighlight((asked) =>
      this.#placesAt(asked)
        .filter(({ source }) => uriOf(source) === asked.textDocument.uri)
        .map((span) => ({ range: rangeOf(span), kind: DocumentHighlightKind.Text })),
    );
    this.#connection.onCompletion((asked) => {
      const at = this.#at(asked);
      return at === undefined ? [] : complete(at.analysis, at.offset).map(completionOf);
    });
    this.#connection.onSignatureHelp((asked) => {
      const at = this.#at(asked);
      const found = at && signatureHelp(at.analysis, at.offset);
      if (found === undefined) return undefined;
      const parameters = found.parameters.map(({ label, doc }) => ({ label, documentation: doc }));
      const signature = {
        label: found.label,
        documentation: { kind: MarkupKind.Markdown, value: found.doc },
        parameters,
      };
      return {
        signatures: [signature],
        activeSignature: 0,
        activeParameter: found.active ?? parameters.length,
      };
    });
  }

  /** All places of the name at a place. */
  #placesAt(asked: TextDocumentPositionParams): ReturnType<typeof placesOf> {
    const at = this.#at(asked);
    const definition = at && nameAt(at.analysis, at.offset)?.definition;
    return definition === undefined ? [] : placesOf(at!.analysis, definition);
  }

  #answerAboutTexts(): void {
    this.#connection.onDocumentSymbol(({ textDocument: { uri } }) => {
      const analysis = this.#workspace.analysis(uri);
      return analysis === undefined ? [] : symbols(analysis).map(symbolOf);
    });
    this.#connection.onFoldingRanges(({ textDocument: { uri } }) => {
      const analysis = this.#workspace.analysis(uri);
      return (analysis === undefined ? [] : folds(analysis)).map(({ first, last, kind }) => ({
        startLine: first - 1,
        endLine: last - 1,
        ...(kind === "comment" && { kind: FoldingRangeKind.Comment }),
      }));
    });
    this.#connection.languages.inlayHint.on(({ textDocument: { uri }, range }) => {
      const analysis = this.#workspace.analysis(uri);
      if (analysis === undefined) return [];
      return hints(analysis)
        .map(({ offset, text }): InlayHint => ({
          position: placeOf(analysis.source, offset),
          label: text,
          kind: InlayHintKind.Type,
          paddingLeft: true,
        }))
        .filter(({ position: { line } }) => range.start.line <= line && line <= range.end.line);
    });
    this.#connection.languages.semanticTokens.on(({ textDocument: { uri } }) => {
      const builder = new SemanticTokensBuilder();
      const analysis = this.#workspace.analysis(uri);
      for (const { start, end, kind } of analysis === undefined ? [] : semanticTokens(analysis)) {
        const { line, character } = placeOf(analysis!.source, start);
        builder.push(line, character, end - start, semanticKinds.indexOf(kind), 0);
      }
      return builder.build();
    });
  }

  #answerAboutChanges(): void {
    this.#connection.onDocumentFormatting(({ textDocument: { uri } }) => {
      const analysis = this.#workspace.analysis(uri);
      return analysis === undefined ? [] : formatEdits(analysis.source).map(editOf);
    });
    this.#connection.onCodeAction(({ textDocument: { uri }, range }) => {
      const analysis = this.#workspace.analysis(uri);
      return analysis === undefined ? [] : this.#fixesIn(analysis, uri, range);
    });
    this.#connection.onPrepareRename((asked) => {
      const at = this.#at(asked);
      const found = at && renamable(at.analysis, at.offset);
      return found && { range: rangeOf(found.span), placeholder: found.name };
    });
    this.#connection.onRenameRequest((asked) => {
      const at = this.#at(asked);
      if (at === undefined) return undefined;
      const others = this.#workspace.others(asked.textDocument.uri);
      const renaming = rename(at.analysis, at.offset, asked.newName, others);
      if (renaming.kind === "refused") return new ResponseError(ErrorCodes.InvalidRequest, renaming.why);
      if (renaming.weights.length > 0)
        void this.#connection.sendNotification(ShowMessageNotification.type, {
          type: MessageType.Warning,
          message: `${countOf(renaming.weights.length, "weight")} will be called otherwise than in checkpoints that there are: ${listWords(renaming.weights.slice(0, 3))}`,
        });
      return this.#workspaceEdit(renaming.edits);
    });
  }

  #fixesIn(analysis: Analysis, uri: string, range: Range): CodeAction[] {
    const document = this.#documents.get(uri)!;
    const asked = { start: document.offsetAt(range.start), end: document.offsetAt(range.end) };
    return fixes(analysis, asked).map(({ title, diagnostic, edits }, index) => ({
      title,
      kind: CodeActionKind.QuickFix,
      isPreferred: index === 0,
      diagnostics: [diagnosticOf(diagnostic, analysis.source, this.#workspace.uriOf)],
      edit: this.#workspaceEdit(edits),
    }));
  }

  #workspaceEdit(edits: readonly Edit[]): WorkspaceEdit {
    const changes: NonNullable<WorkspaceEdit["changes"]> = {};
    for (const edit of edits) {
      const uri = this.#workspace.uriOf(edit.span.source);
      if (uri !== undefined) (changes[uri] ??= []).push(editOf(edit));
    }
    return { changes };
  }

  #answerOwn(): void {
    this.#connection.onRequest("lmg/draw", ({ uri, opened }: DrawParams) => {
      const analysis = this.#workspace.analysis(uri);
      return { svg: (analysis && picture(analysis, opened)) ?? null };
    });
    this.#connection.onRequest("lmg/ir", ({ uri, passes = false }: IrParams) => {
      const analysis = this.#workspace.analysis(uri);
      return { text: (analysis && ir(analysis, passes)) ?? null };
    });
  }
}
