import type { ModelParameter } from "../src/editor/parameters.ts";
import { make } from "./dom.ts";

/** Parameters beyond these are behind "more", but for switches. */
const SHOWN = 6;

/** A control for each parameter of the model; they set it beside the text, and never change that. */
export class Controls {
  readonly #host: HTMLFormElement;
  readonly #changed: (name: string, value: string) => void;
  readonly #write: () => void;
  #drawn = "";

  constructor(
    host: HTMLFormElement,
    { changed, write }: { changed: (name: string, value: string) => void; write: () => void },
  ) {
    this.#host = host;
    this.#changed = changed;
    this.#write = write;
    host.addEventListener("submit", (event) => {
      event.preventDefault();
    });
    host.addEventListener("change", ({ target }) => {
      const { name, value } = target as HTMLInputElement;
      if (value.trim() !== "") this.#changed(name, value);
    });
  }

  /** Draws them anew only where they are others; what has the focus keeps it. */
  show(
    parameters: readonly ModelParameter[],
    settings: Readonly<Record<string, string>>,
    models: { readonly names: readonly string[]; readonly chosen: string | undefined },
  ): void {
    const rows = parameters.flatMap((parameter) => {
      const value = settings[parameter.name] ?? parameter.value ?? parameter.fallback ?? "";
      const kind = kindOf(parameter, value);
      return kind === undefined ? [] : [{ parameter, value, kind }];
    });
    const drawn = JSON.stringify([rows, Object.keys(settings).length > 0, models]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const isSwitch = ({ kind }: { kind: ControlKind }): boolean => kind === "words";
    const [switches, sizes] = [rows.filter(isSwitch), rows.filter((row) => !isSwitch(row))];
    const focused = document.activeElement as HTMLInputElement | null;
    const within = focused !== null && this.#host.contains(focused) ? focused : undefined;
    const isOpen = this.#host.querySelector("details")?.open ?? false;
    const made = [...switches, ...sizes.slice(0, SHOWN - switches.length)].map((row) => controlOf(row));
    const rest = sizes.slice(SHOWN - switches.length).map((row) => controlOf(row));
    this.#host.replaceChildren(
      ...(models.names.length > 1 ? [modelChoice(models.names, models.chosen)] : []),
      ...made,
      ...(rest.length === 0
        ? []
        : [
            make(
              "details",
              { open: isOpen },
              make("summary", {}, `${rest.length} more`),
              make("div", {}, ...rest),
            ),
          ]),
      ...(Object.keys(settings).length === 0 ? [] : [this.#writeButton()]),
    );
    if (within !== undefined) this.#focus(within);
  }

  #writeButton(): HTMLElement {
    const made = make(
      "button",
      { type: "button", class: "quiet", title: "makes what is chosen here the defaults of the text" },
      "write into the text",
    );
    made.addEventListener("click", this.#write);
    return made;
  }

  #focus({ name, type, value }: HTMLInputElement): void {
    const alike = [...this.#host.querySelectorAll<HTMLInputElement>("input, select")].filter(
      (input) => input.name === name,
    );
    (type === "radio" ? alike.find((input) => input.value === value) : alike[0])?.focus();
  }
}

type ControlKind = "words" | "whole" | "number";

/** Parameters of other kinds (layers, lists, sizes that are computed) are changed in the text. */
function kindOf({ kind, words }: ModelParameter, value: string): ControlKind | undefined {
  if (words !== undefined) return "words";
  if (kind === "int" && /^\d+$/.test(value)) return "whole";
  return kind === "float" && value !== "" && Number.isFinite(Number(value)) ? "number" : undefined;
}

interface Row {
  readonly parameter: ModelParameter;
  readonly value: string;
  readonly kind: ControlKind;
}

function controlOf({ parameter: { name, words = [] }, value, kind }: Row): HTMLElement {
  if (kind === "words") return choice(name, name, words, value);
  const input =
    kind === "whole" ? { type: "number", min: 1, step: 1 } : { type: "text", inputmode: "decimal", size: 6 };
  return make(
    "label",
    { class: "size" },
    name,
    make("input", { ...input, name, value, autocomplete: "off" }),
  );
}

function choice(name: string, legend: string, words: readonly string[], value: string): HTMLElement {
  const radios = words.map((word) =>
    make(
      "label",
      {},
      make("input", { type: "radio", name, value: word, checked: word === value }),
      make("span", {}, word),
    ),
  );
  return make("fieldset", { class: "words" }, make("legend", {}, legend), ...radios);
}

/** The name under which a choice among several models of a text is told of; no parameter can have it. */
export const MODEL_CHOICE = "model ";

const modelChoice = (names: readonly string[], chosen = names[0]!): HTMLElement =>
  choice(MODEL_CHOICE, "model", names, chosen);
