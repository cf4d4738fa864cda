import type { Remote } from "../calls.ts";
import { drawChart, type Chart, type Curve } from "../chart.ts";
import { make, prose } from "../dom.ts";
import { linesNote } from "../../src/report/probed.ts";
import type { BuildCalls } from "../workers/build.ts";
import type { ProbedWord, Probing } from "../workers/depth.ts";
import type { Pane, View } from "./pane.ts";

/** After so many probes the worker is ended: it never lets go of the modules that it imported for them. */
const MOST_PROBES = 50;

/** How large activations and gradients are at each residual edge when a training begins, for each word of the switch. */
class DepthPane implements Pane {
  readonly name = "Depth";
  #probes = 0;
  /** What is shown: a probe that comes for another model is dropped. */
  #shown: object | undefined;
  /** What was measured of which text, so that coming back to the pane measures nothing anew. */
  #kept: { readonly key: string; readonly words: ProbedWord[]; isWhole: boolean } | undefined;

  show(host: HTMLElement, view: View): void {
    const shown = {};
    this.#shown = shown;
    const probing = probingOf(view);
    const key = JSON.stringify(probing);
    const note = make("p", { class: "about" });
    const charts = make("div", { class: "charts" });
    const legend = make("ul", { class: "curves" });
    host.append(note, legend, charts);
    const kept =
      this.#kept?.key === key && this.#kept.isWhole ? this.#kept : { key, words: [], isWhole: false };
    this.#kept = kept;
    const redraw = (): void => {
      if (this.#shown === shown) show(kept.words, chosenOf(view), { note, charts, legend, host });
    };
    redraw();
    if (!kept.isWhole) void this.#measure(view.build, probing, kept, redraw);
  }

  hide(): void {
    this.#shown = undefined;
  }

  async #measure(
    build: Remote<BuildCalls>,
    probing: Probing,
    kept: { words: ProbedWord[]; isWhole: boolean },
    redraw: () => void,
  ): Promise<void> {
    const count = probing.switch?.words.length ?? 1;
    if (this.#probes + count > MOST_PROBES) {
      build.end();
      this.#probes = 0;
    }
    this.#probes += count;
    try {
      await build.call("probe", probing, (word) => {
        kept.words.push(word);
        redraw();
      });
      kept.isWhole = kept.words.length === count;
      redraw();
    } catch {
      // The worker was ended for another probe.
    }
  }
}

export const depthPane: Pane = new DepthPane();

/** The switch of a model: the parameter of which all words are compared, a placement if there is one. */
const switchOf = ({ checked: { parameters } }: View) =>
  parameters.find(({ kind }) => kind === "placement") ?? parameters.find(({ kind }) => kind === "words");

const chosenOf = (view: View): string => switchOf(view)?.value ?? "";

/** The word that is chosen comes first. */
function probingOf(view: View): Probing {
  const found = switchOf(view);
  const { words = [], name = "", value = "" } = found ?? {};
  return {
    of: view.of,
    switch: found && { name, words: [value, ...words.filter((word) => word !== value)] },
  };
}

interface Places {
  readonly note: HTMLElement;
  readonly charts: HTMLElement;
  readonly legend: HTMLElement;
  readonly host: HTMLElement;
}

function show(words: readonly ProbedWord[], chosen: string, { note, charts, legend, host }: Places): void {
  const [first] = words;
  if (first === undefined) {
    note.textContent = "measuring …";
    return;
  }
  const refused = words.flatMap(({ word, found }) =>
    "refused" in found ? [{ word, why: found.refused }] : [],
  );
  const measured = words.flatMap(({ word, found }, index) =>
    "refused" in found ? [] : [{ word, found, tone: index }],
  );
  if (measured.length === 0) {
    note.replaceChildren(...prose(`Not measured: ${refused[0]!.why}.`));
    return;
  }
  const theory = measured.filter(({ word }) => word === chosen);
  note.replaceChildren(
    ...prose(
      `Measured at initialization, input ${first.input}. Dots are measures; dashed is what theory says of the chosen one.`,
    ),
    " ",
    make("abbr", { title: linesNote, tabindex: 0 }, "What the lines are"),
  );
  legend.replaceChildren(
    ...measured.map(({ word, found, tone }) =>
      make(
        "li",
        { class: word === chosen ? "chosen" : "" },
        make("span", { class: `swatch fill-${tone}` }),
        word === "" ? found.form : `${word}  `,
        ...(word === "" ? [] : [make("code", {}, found.form)]),
      ),
    ),
    ...refused.map(({ word, why }) => make("li", {}, `${word}: `, ...prose(why))),
  );
  const width = Math.max(
    280,
    Math.min(560, host.clientWidth > 760 ? (host.clientWidth - 56) / 2 : host.clientWidth - 32),
  );
  const common = { log: true, width, height: 230, xLabel: "edge, from the input" };
  const of = (
    pick: "activation" | "gradient",
    lines: readonly ("uncorrelated" | "carried" | "alike")[],
  ): readonly Curve[] => [
    ...theory.flatMap(({ found, tone, word }) =>
      lines.map((line) => ({
        name: `${word} ${lineNames[line]}`.trim(),
        tone,
        dashed: true,
        points: found.edges.flatMap(({ lines: at }, x) =>
          typeof at[line] === "number" ? [{ x, y: at[line] }] : [],
        ),
      })),
    ),
    ...measured
      .map(({ word, found, tone }) => ({
        name: word === "" ? found.form : word,
        tone,
        thick: word === chosen,
        dots: true,
        points: found.edges.map(({ before }, x) => ({ x, y: before[pick] })),
      }))
      .reverse(),
  ];
  const pair: readonly Chart[] = [
    { ...common, title: "size of the stream after each edge", curves: of("activation", ["uncorrelated"]) },
    { ...common, title: "gradient of the loss there", curves: of("gradient", ["carried", "alike"]) },
  ];
  charts.replaceChildren(...pair.map(drawChart));
}

const lineNames = {
  uncorrelated: "if uncorrelated",
  carried: "carried only",
  alike: "all paths alike",
} as const;
