import { make } from "../dom.ts";
import type { Pane, View } from "./pane.ts";

/** Tabs of which one is shown; arrow keys go from one to the next. */
export class Tabs {
  readonly #list: HTMLElement;
  readonly #host: HTMLElement;
  readonly #panes: readonly Pane[];
  #open: Pane;
  #view: View | undefined;

  constructor(list: HTMLElement, host: HTMLElement, panes: readonly Pane[]) {
    this.#list = list;
    this.#host = host;
    this.#panes = panes;
    this.#open = panes[0]!;
    list.append(
      ...panes.map((pane) =>
        make("button", { type: "button", role: "tab", id: tabId(pane), "aria-controls": host.id }, pane.name),
      ),
    );
    list.addEventListener("click", ({ target }) => {
      const pane = panes.find((one) => tabId(one) === (target as Element).id);
      if (pane !== undefined) this.open(pane);
    });
    list.addEventListener("keydown", (event) => {
      const to = this.#target(event.key);
      if (to === undefined) return;
      event.preventDefault();
      this.open(to);
      document.getElementById(tabId(to))!.focus();
    });
    this.open(this.#open);
  }

  open(pane: Pane): void {
    this.#open.hide?.();
    this.#open = pane;
    for (const one of this.#panes) {
      const tab = document.getElementById(tabId(one)) ?? this.#list.querySelector(`#${tabId(one)}`)!;
      tab.setAttribute("aria-selected", String(one === pane));
      tab.setAttribute("tabindex", one === pane ? "0" : "-1");
    }
    this.#host.setAttribute("aria-labelledby", tabId(pane));
    this.#draw();
  }

  /** The model changed. */
  show(view: View): void {
    this.#view = view;
    this.#host.classList.remove("stale");
    this.#open.hide?.();
    this.#draw();
  }

  /** What is shown is of a text without the mistakes that it has now. */
  fade(): void {
    this.#host.classList.add("stale");
  }

  #draw(): void {
    const { scrollTop } = this.#host;
    this.#host.replaceChildren();
    this.#host.dataset["pane"] = this.#open.name;
    if (this.#view !== undefined) this.#open.show(this.#host, this.#view);
    this.#host.scrollTop = scrollTop;
  }

  #target(key: string): Pane | undefined {
    const at = this.#panes.indexOf(this.#open);
    const { length } = this.#panes;
    switch (key) {
      case "ArrowRight":
        return this.#panes[(at + 1) % length];
      case "ArrowLeft":
        return this.#panes[(at + length - 1) % length];
      case "Home":
        return this.#panes[0];
      case "End":
        return this.#panes.at(-1);
      default:
        return undefined;
    }
  }
}

const tabId = ({ name }: Pane): string => `tab-${name.toLowerCase()}`;
