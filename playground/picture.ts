import { make } from "./dom.ts";
import { MODEL_FILE, type Range } from "./model.ts";

export interface PictureEvents {
  readonly chosen: (range: Range) => void;
  /** The pointer is over a mark, or left it. */
  readonly over: (range: Range | undefined) => void;
  /** A box is to be opened or closed, by the text that it stands for. */
  readonly opened: (range: Range) => void;
}

/** The picture, whose marks are buttons that lead to the text. */
export class Picture {
  readonly #host: HTMLElement;
  #shown = "";

  constructor(host: HTMLElement, { chosen, over, opened }: PictureEvents) {
    this.#host = host;
    host.addEventListener("click", ({ target }) => {
      const range = rangeOf(target);
      if (range !== undefined) chosen(range);
    });
    host.addEventListener("dblclick", ({ target }) => {
      const range = rangeOf(target);
      if (range !== undefined) opened(range);
    });
    host.addEventListener("keydown", (event) => {
      const range = rangeOf(event.target);
      if (range === undefined || (event.key !== "Enter" && event.key !== " " && event.key !== "o")) return;
      event.preventDefault();
      if (event.key === "o") opened(range);
      else chosen(range);
    });
    host.addEventListener("pointerover", ({ target }) => {
      over(rangeOf(target));
    });
    host.addEventListener("pointerleave", () => {
      over(undefined);
    });
  }

  show(svg: string, cursor: number): void {
    this.#host.classList.remove("stale");
    if (svg === this.#shown) return;
    const focused = this.#host.contains(document.activeElement) ? rangeOf(document.activeElement) : undefined;
    this.#host.innerHTML = svg;
    this.#shown = svg;
    const picture = this.#host.querySelector("svg")!;
    // Its marks are buttons, which an image may not have.
    picture.setAttribute("role", "group");
    for (const mark of this.#marks()) nameByItsWords(mark);
    this.lightAt(cursor);
    if (focused !== undefined)
      this.#marks()
        .find((mark) => rangeOf(mark)?.from === focused.from)
        ?.focus();
  }

  /** The last picture stays while the text has mistakes, and is seen to be old. */
  fade(): void {
    this.#host.classList.add("stale");
  }

  say(text: string): void {
    this.#shown = "";
    this.#host.replaceChildren(make("p", { class: "empty" }, text));
  }

  /** Lights the smallest mark whose text has the cursor in it. */
  lightAt(offset: number): void {
    const around = this.#marks()
      .map((mark) => ({ mark, range: rangeOf(mark) }))
      .filter(({ range }) => range !== undefined && range.from <= offset && offset <= range.to)
      .sort((a, b) => a.range!.to - a.range!.from - (b.range!.to - b.range!.from));
    for (const mark of this.#marks()) mark.classList.toggle("on", mark === around[0]?.mark);
  }

  #marks(): SVGElement[] {
    return [...this.#host.querySelectorAll<SVGElement>("[data-from]")];
  }
}

/** A mark with words in it is called by them, and described by its place in the text; one without is called by that. */
function nameByItsWords(mark: SVGElement): void {
  if (mark.querySelector("text") === null) return;
  mark.setAttribute("aria-description", mark.getAttribute("aria-label") ?? "");
  mark.removeAttribute("aria-label");
}

/** The text of the model that a mark stands for; undefined for one of the library. */
function rangeOf(target: EventTarget | null): Range | undefined {
  const mark = (target as Element | null)?.closest("[data-from]");
  if (mark?.getAttribute("data-file") !== MODEL_FILE) return undefined;
  return { from: Number(mark.getAttribute("data-from")), to: Number(mark.getAttribute("data-to")) };
}
