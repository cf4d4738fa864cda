import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import type { Hint } from "../../src/editor/hints.ts";
import { make, prose } from "../dom.ts";
import type { Range } from "../model.ts";
import type { ShownProblem } from "../workers/check.ts";
import { highlighting, lmgLanguage } from "./highlight.ts";
import { light, marks, showHints } from "./marks.ts";

export interface EditorEvents {
  readonly changed: () => void;
  /** The cursor moved, and the text did not change. */
  readonly moved: (offset: number) => void;
}

/** The text. Tab leaves it, as whoever has no mouse must be able to. */
export class Editor {
  readonly view: EditorView;

  constructor(parent: HTMLElement, { changed, moved }: EditorEvents, more: Extension) {
    const following = EditorView.updateListener.of(({ docChanged, selectionSet, state }) => {
      if (docChanged) changed();
      else if (selectionSet) moved(state.selection.main.head);
    });
    const keys = [
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...searchKeymap,
      ...completionKeymap,
      ...lintKeymap,
    ];
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          highlightActiveLine(),
          search({ top: true }),
          highlightSelectionMatches(),
          bracketMatching(),
          closeBrackets(),
          indentUnit.of("  "),
          lmgLanguage,
          highlighting,
          marks,
          more,
          keymap.of(keys),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({
            "aria-label": "text of the model",
            spellcheck: "false",
            tabindex: "0",
          }),
          following,
        ],
      }),
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** The whole text anew, seen from its model on: what stands above that is read when one likes to. */
  replace(text: string): void {
    const { view } = this;
    const begin = Math.max(0, text.search(/^model\b/m));
    view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
      selection: { anchor: begin },
    });
    // When the lines have their heights; the line above, whole, tells that there are more.
    requestAnimationFrame(() => {
      const yMargin = view.defaultLineHeight;
      view.dispatch({ effects: EditorView.scrollIntoView(begin, { y: "start", yMargin }) });
    });
  }

  /** The text as it is elsewhere now: what differs is changed, and the cursor stays where it is. */
  update(text: string): void {
    const now = this.text;
    const most = Math.min(now.length, text.length);
    let [head, tail] = [0, 0];
    while (head < most && now[head] === text[head]) head++;
    while (tail < most - head && now[now.length - 1 - tail] === text[text.length - 1 - tail]) tail++;
    this.view.dispatch({
      changes: { from: head, to: now.length - tail, insert: text.slice(head, text.length - tail) },
    });
  }

  /** The range, in the middle of what is seen; the cursor goes there. */
  goTo(range: Range): void {
    const { doc } = this.view.state;
    const from = Math.min(range.from, doc.length);
    this.view.dispatch({
      selection: { anchor: from },
      effects: EditorView.scrollIntoView(from, { y: "center" }),
    });
    light(this.view, range);
    this.view.focus();
  }

  goToLine(line: number): void {
    const { from, to } = this.view.state.doc.line(Math.min(Math.max(line, 1), this.view.state.doc.lines));
    this.goTo({ from, to });
  }

  light(range: Range | undefined): void {
    light(this.view, range);
  }

  showHints(hints: readonly Hint[]): void {
    showHints(this.view, hints);
  }

  showProblems(problems: readonly ShownProblem[]): void {
    const { length } = this.view.state.doc;
    const found = problems.flatMap(
      ({ range, severity, code, message, help, remarks, fixes }): Diagnostic[] => {
        if (range === undefined) return [];
        const from = Math.min(range.from, length);
        const told = [message, ...remarks, ...(help === undefined ? [] : [`help: ${help}`])].join("\n");
        return [
          {
            from,
            to: Math.min(Math.max(range.to, from + 1), length),
            severity,
            source: code,
            message: told,
            renderMessage: () => make("span", {}, ...prose(told)),
            actions: fixes.map(({ title, changes }) => ({
              name: title.replaceAll("`", ""),
              apply: (view) => view.dispatch({ changes: [...changes] }),
            })),
          },
        ];
      },
    );
    this.view.dispatch(setDiagnostics(this.view.state, found));
  }
}
