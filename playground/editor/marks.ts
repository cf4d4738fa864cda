import { StateEffect, StateField, type Range as Placed } from "@codemirror/state";
import { Decoration, EditorView, WidgetType, type DecorationSet } from "@codemirror/view";
import type { Hint } from "../../src/editor/hints.ts";
import type { Range } from "../model.ts";

/** What stands behind a line: the type of the stream after it. */
class TypeHint extends WidgetType {
  readonly #text: string;

  constructor(text: string) {
    super();
    this.#text = text;
  }

  override eq(other: TypeHint): boolean {
    return other.#text === this.#text;
  }

  override toDOM(): HTMLElement {
    const element = document.createElement("span");
    element.className = "type-hint";
    element.setAttribute("aria-hidden", "true");
    element.textContent = this.#text;
    return element;
  }
}

const setHints = StateEffect.define<readonly Hint[]>();
const setLit = StateEffect.define<Range | undefined>();

/** Decorations that an effect replaces, and that move with the text meanwhile. */
const decorations = (
  made: (view: EditorView["state"], effects: readonly StateEffect<unknown>[]) => DecorationSet | undefined,
) =>
  StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update: (set, transaction) =>
      made(transaction.state, transaction.effects) ?? set.map(transaction.changes),
    provide: (field) => EditorView.decorations.from(field),
  });

const hintMarks = decorations((state, effects) => {
  const hints = effects.find((effect) => effect.is(setHints))?.value;
  const marks = hints?.map(({ offset, text }): Placed<Decoration> => {
    const { to } = state.doc.lineAt(Math.min(offset, state.doc.length));
    return Decoration.widget({ widget: new TypeHint(text), side: 1 }).range(to);
  });
  return marks && Decoration.set(marks, true);
});

const litMarks = decorations((state, effects) => {
  const effect = effects.find((one) => one.is(setLit));
  if (effect === undefined) return undefined;
  const range = effect.value;
  const to = Math.min(range?.to ?? 0, state.doc.length);
  if (range === undefined || range.from >= to) return Decoration.none;
  return Decoration.set([Decoration.mark({ class: "lit" }).range(range.from, to)]);
});

export const marks = [hintMarks, litMarks];

export const showHints = (view: EditorView, hints: readonly Hint[]): void => {
  view.dispatch({ effects: setHints.of(hints) });
};

/** Lights a range of the text, or none. */
export const light = (view: EditorView, range: Range | undefined): void => {
  view.dispatch({ effects: setLit.of(range) });
};
