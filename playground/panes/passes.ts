import { make } from "../dom.ts";
import { Ended } from "../calls.ts";
import type { PassDiff } from "../workers/passes.ts";
import type { Pane, View } from "./pane.ts";

/** The graph after each pass that changed it, as what changed. */
class PassesPane implements Pane {
  readonly name = "Passes";
  /** By name, as which passes change something differs from model to model. */
  #chosen = "fuse-add-norm";

  show(host: HTMLElement, view: View): void {
    const { passes } = view.built;
    const shown = make("div", {
      class: "diff",
      tabindex: 0,
      role: "region",
      "aria-label": "what the pass changed",
    });
    const about = make("p", { class: "about" });
    const choose = (index: number): void => {
      this.#chosen = passes[index]!.name;
      for (const [at, tab] of [...list.children].entries())
        tab.setAttribute("aria-pressed", String(at === index));
      about.textContent = `${passes[index]!.because}.`;
      void fill(shown, about, view, index);
    };
    const list = make(
      "div",
      { class: "chips", role: "group", "aria-label": "passes that changed the graph" },
      ...passes.map(({ name, nodes }, index) => {
        const chip = make(
          "button",
          { type: "button", title: `${nodes} nodes after it` },
          name,
          " ",
          make("small", {}, String(nodes)),
        );
        chip.addEventListener("click", () => {
          choose(index);
        });
        return chip;
      }),
    );
    host.append(list, about, shown);
    const found = passes.findIndex(({ name }) => name === this.#chosen);
    choose(found < 0 ? passes.length - 1 : found);
  }
}

export const passesPane: Pane = new PassesPane();

async function fill(host: HTMLElement, about: HTMLElement, { build, of }: View, pass: number): Promise<void> {
  try {
    const diff = await build.call("changes", { of, pass });
    if (diff.added + diff.removed > 0)
      about.append(" ", make("ins", {}, `+${diff.added}`), " ", make("del", {}, `−${diff.removed}`));
    host.replaceChildren(...linesOf(diff));
  } catch (error) {
    if (!(error instanceof Ended)) host.replaceChildren(String(error));
  }
}

const signs = { same: "  ", added: "+ ", removed: "− ", "left out": "⋯ " } as const;
const tags = { same: "span", added: "ins", removed: "del", "left out": "em" } as const;

const linesOf = ({ lines }: PassDiff): readonly Node[] =>
  lines.map(({ kind, text }) => make(tags[kind], {}, `${signs[kind]}${text}\n`));
