import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, lineNumbers, type DecorationSet } from "@codemirror/view";
import { StreamLanguage, syntaxHighlighting, HighlightStyle } from "@codemirror/language";
import { tags } from "@lezer/highlight";
import { Ended } from "../calls.ts";
import { make } from "../dom.ts";
import { showBytes } from "../../src/support/text.ts";
import type { Emitted, ShownTarget } from "../workers/build.ts";
import type { Pane, View } from "./pane.ts";

/** A module as it is emitted; a click on a line leads to the line of the model that it is of, and the cursor there to it. */
class CodePane implements Pane {
  readonly name: string;
  readonly #target: ShownTarget;
  #shown: { readonly view: EditorView } | undefined;
  #turn = 0;

  constructor(name: string, target: ShownTarget) {
    this.name = name;
    this.#target = target;
  }

  show(host: HTMLElement, view: View): void {
    const note = make("p", { class: "about" }, "writing …");
    host.append(note);
    void this.#fill(host, note, view, ++this.#turn);
  }

  hide(): void {
    this.#turn++;
    this.#shown?.view.destroy();
    this.#shown = undefined;
  }

  async #fill(
    host: HTMLElement,
    note: HTMLElement,
    { build, of, goToLine, line }: View,
    turn: number,
  ): Promise<void> {
    try {
      const emitted = await build.call("emit", { of, target: this.#target });
      if (turn !== this.#turn) return;
      const bytes = showBytes(new TextEncoder().encode(emitted.text).length);
      note.textContent = `${bytes}, a module that needs nothing else to run. A click leads to the line of the model.`;
      const view = codeView(host, emitted, goToLine);
      this.#shown = { view };
      const at = emitted.lines.indexOf(line());
      if (at >= 0) reveal(view, at + 1);
    } catch (error) {
      if (!(error instanceof Ended) && turn === this.#turn) note.textContent = String(error);
    }
  }
}

export const typescriptPane: Pane = new CodePane("TypeScript", "ts");
export const wgslPane: Pane = new CodePane("WGSL", "wgsl");

const keywords =
  /^(?:const|let|var|function|return|for|if|else|while|export|import|type|interface|fn|struct|new|throw|async|await|readonly)\b/;
const types = /^(?:number|string|boolean|Float32Array|Int32Array|f32|i32|u32|vec[234]|array|f16|bool)\b/;

/** Enough for modules of TypeScript, and for the shaders in them. */
const language = StreamLanguage.define({
  name: "module",
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^\/\/.*/) !== null || stream.match(/^\/\*.*?\*\//) !== null) return "comment";
    if (stream.match(/^"(?:\\.|[^"\\])*"/) !== null) return "string";
    if (stream.match(/^\d[\w.]*/) !== null) return "number";
    if (stream.match(keywords) !== null) return "keyword";
    if (stream.match(types) !== null) return "typeName";
    if (stream.match(/^[A-Za-z_$][\w$]*/) === null) stream.next();
    return null;
  },
});

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--keyword)" },
  { tag: tags.comment, color: "var(--soft)" },
  { tag: tags.number, color: "var(--number)" },
  { tag: tags.string, color: "var(--string)" },
  { tag: tags.typeName, color: "var(--label)" },
]);

const setLine = StateEffect.define<number>();

const litLine = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (set, { effects, state }) => {
    const effect = effects.find((one) => one.is(setLine));
    if (effect === undefined) return set;
    return Decoration.set([Decoration.line({ class: "lit" }).range(state.doc.line(effect.value).from)]);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function codeView(host: HTMLElement, { text, lines }: Emitted, goToLine: (line: number) => void): EditorView {
  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        language,
        syntaxHighlighting(colours),
        litLine,
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.contentAttributes.of({ "aria-label": "emitted module", tabindex: "0" }),
        EditorView.domEventHandlers({
          click: (event, shown) => {
            const offset = shown.posAtCoords(event);
            const line = offset === null ? 0 : (lines[shown.state.doc.lineAt(offset).number - 1] ?? 0);
            if (line > 0) goToLine(line);
          },
        }),
      ],
    }),
  });
  return view;
}

function reveal(view: EditorView, line: number): void {
  const { from } = view.state.doc.line(line);
  view.dispatch({ effects: [setLine.of(line), EditorView.scrollIntoView(from, { y: "start", yMargin: 8 })] });
}
