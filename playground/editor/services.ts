import type {
  Completion,
  CompletionContext,
  CompletionResult,
  CompletionSource,
} from "@codemirror/autocomplete";
import { autocompletion } from "@codemirror/autocomplete";
import type { Extension } from "@codemirror/state";
import { EditorView, hoverTooltip, keymap, showTooltip, type Tooltip } from "@codemirror/view";
import { StateEffect, StateField } from "@codemirror/state";
import type { Completion as Found, CompletionKind } from "../../src/editor/complete.ts";
import type { Remote } from "../calls.ts";
import { make, prose } from "../dom.ts";
import type { ModelText } from "../model.ts";
import type { CheckCalls, Definition } from "../workers/check.ts";

/** What the services of the editor need of the page. */
export interface Services {
  readonly check: Remote<CheckCalls>;
  /** The text with its settings, as it is now. */
  readonly now: () => ModelText;
  readonly goTo: (definition: Definition) => void;
  /** Says something to the reader. */
  readonly say: (text: string) => void;
}

/** Hover, completion, the call that is being written, definitions, renaming and layout, as the worker that checks knows them. */
export const services = (given: Services): Extension => [
  hovering(given),
  completing(given),
  signatures(given),
  acting(given),
];

const hovering = ({ check, now }: Services): Extension =>
  hoverTooltip(async (_view, offset): Promise<Tooltip | null> => {
    const found = await check.call("hover", { of: now(), offset });
    if (found === undefined) return null;
    const create = () => ({
      dom: make(
        "div",
        { class: "hover" },
        ...(found.code.length === 0 ? [] : [make("pre", {}, found.code.join("\n"))]),
        ...found.notes.map(noteOf),
      ),
    });
    return { pos: found.from, end: found.to, above: true, create };
  });

/** Lines that all begin with a dash are a list. */
function noteOf(note: string): HTMLElement {
  const lines = note.split("\n");
  if (!lines.every((line) => line.startsWith("- "))) return make("p", {}, ...prose(note));
  return make("ul", {}, ...lines.map((line) => make("li", {}, ...prose(line.slice(2)))));
}

const icons: Readonly<Record<CompletionKind, string>> = {
  layer: "function",
  block: "class",
  value: "variable",
  size: "constant",
  parameter: "property",
  word: "keyword",
  setting: "property",
};

function completing({ check, now }: Services): Extension {
  const source: CompletionSource = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const word = context.matchBefore(/\w*/);
    const before = context.state.sliceDoc(context.pos - 2, context.pos);
    const isAsked = context.explicit || (word !== null && word.from < word.to) || /->|: |[(,[]/.test(before);
    if (!isAsked) return null;
    const found = await check.call("complete", { of: now(), offset: context.pos });
    if (found.length === 0) return null;
    return {
      from: word?.from ?? context.pos,
      validFor: /^\w*$/,
      // The likeliest first; where a part is typed, by what is left to type.
      options: found.map((one, rank) =>
        completionOf(one, word !== null && word.text !== "" ? -one.label.length : found.length - rank),
      ),
    };
  };
  return autocompletion({ override: [source], icons: false, maxRenderedOptions: 60 });
}

const completionOf = ({ label, kind, detail, doc, insert }: Found, rank: number): Completion => ({
  label,
  // Of a call what stands behind its name, which is there already.
  detail: detail.startsWith(`${label}(`) ? detail.slice(label.length) : detail,
  type: icons[kind],
  boost: Math.max(-99, Math.min(99, rank)),
  ...(doc === "" ? {} : { info: () => make("div", {}, ...prose(doc)) }),
  ...(insert === undefined ? {} : { apply: insert }),
});

/** The signature of the call around the cursor, above it. */
function signatures({ check, now }: Services): Extension {
  const set = StateEffect.define<Tooltip | null>();
  const shown = StateField.define<Tooltip | null>({
    create: () => null,
    update: (tooltip, { effects, docChanged, selection }) => {
      const effect = effects.find((one) => one.is(set));
      if (effect !== undefined) return effect.value;
      return docChanged || selection !== undefined ? null : tooltip;
    },
    provide: (field) => showTooltip.from(field),
  });
  const ask = async (view: EditorView, offset: number): Promise<void> => {
    const found = await check.call("signature", { of: now(), offset });
    if (found === undefined || view.state.selection.main.head !== offset) return;
    const parts = found.parameters.flatMap(({ label }, index) => [
      ...(index === 0 ? [] : [", "]),
      index === found.active ? make("strong", {}, label) : label,
    ]);
    const name = found.label.slice(0, found.label.indexOf("(") + 1);
    const create = () => ({ dom: make("div", { class: "hover" }, make("pre", {}, name, ...parts, ")")) });
    view.dispatch({ effects: set.of({ pos: offset, above: true, create }) });
  };
  const following = EditorView.updateListener.of(({ view, docChanged, state, changes }) => {
    if (!docChanged) return;
    let typed = "";
    changes.iterChanges((_a, _b, _c, _d, text) => (typed += text.toString()));
    if (typed.length <= 2 && /[(,]/.test(typed)) void ask(view, state.selection.main.head);
  });
  return [shown, following];
}

const acting = (given: Services): Extension => [
  keymap.of([
    { key: "F12", run: (view) => (void define(given, view.state.selection.main.head), true) },
    { key: "F2", run: (view) => (void renameAt(given, view), true) },
    { key: "Shift-Alt-f", run: (view) => (void layOut(given, view), true) },
  ]),
  EditorView.domEventHandlers({
    click: (event, view) => {
      if (!event.metaKey && !event.ctrlKey) return false;
      const offset = view.posAtCoords(event);
      if (offset !== null) void define(given, offset);
      return true;
    },
  }),
];

async function define({ check, now, goTo, say }: Services, offset: number): Promise<void> {
  const found = await check.call("definition", { of: now(), offset });
  if (found === undefined) say("nothing here has a definition");
  else goTo(found);
}

async function renameAt({ check, now, say }: Services, view: EditorView): Promise<void> {
  const of = now();
  const offset = view.state.selection.main.head;
  const there = await check.call("renamable", { of, offset });
  if (there === undefined) {
    say("nothing here can be renamed");
    return;
  }
  const to = globalThis.prompt(`A new name for ${there.name}`, there.name);
  if (to === null || to === there.name) return;
  const renamed = await check.call("rename", { of, offset, to });
  if ("refused" in renamed) {
    say(renamed.refused);
    return;
  }
  if (view.state.doc.toString() !== of.text) return;
  view.dispatch({ changes: renamed.changes });
  say(renamed.weights > 0 ? `renamed: ${renamed.weights} weights are called otherwise now` : "renamed");
}

async function layOut({ check, now, say }: Services, view: EditorView): Promise<void> {
  const of = now();
  const changes = await check.call("format", of);
  if (view.state.doc.toString() !== of.text) return;
  view.dispatch({ changes });
  say(changes.length === 0 ? "laid out already" : "laid out");
}
