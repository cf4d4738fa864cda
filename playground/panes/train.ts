import type { DataSource } from "../../src/train/data/source.ts";
import { Ended, Remote } from "../calls.ts";
import { drawChart, type ChartPoint } from "../chart.ts";
import { button, make, prose } from "../dom.ts";
import { startWorker } from "../workers/start.ts";
import type { TrainCalls, TrainingRequest } from "../workers/train.ts";
import { engineChoice } from "./engine.ts";
import type { Pane, View } from "./pane.ts";

/** Steps of a training that is begun here, where the text says more: so many show what becomes of a loss. */
const STEPS = 200;

/** Data that lies beside a page that is served. */
const served: Readonly<Record<string, readonly (readonly [file: string, feeds: string | undefined])[]>> = {
  "Moby-Dick": [["moby-dick.txt.gz", undefined]],
  "10,000 digits": [
    ["digits-images.idx.gz", "image"],
    ["digits-labels.idx.gz", "label"],
  ],
};

const isServed = location.protocol.startsWith("http");

/** A text for a page that has nothing beside it: sentences of a small grammar. */
const SAMPLE = "a few sentences";

function sampleText(): string {
  const [who, how, what] = [
    ["whale", "sea", "ship", "captain", "harpooner"],
    ["white", "deep", "old", "mad", "silent"],
    ["wind", "crew", "night", "storm"],
  ];
  const lines = Array.from({ length: 900 }, (_, at) => {
    const pick = (words: readonly string[], by: number): string => words[(at * by) % words.length]!;
    return `the ${pick(who, 7)} is ${pick(how, 3)} and the ${pick(what, 5)} is still`;
  });
  return `${lines.join(".\n")}.\n`;
}

/** Trains the model in the page, on WebAssembly in a worker of its own, or on WebGPU. */
class TrainPane implements Pane {
  readonly name = "Train";
  readonly #worker = new Remote<TrainCalls>(() => startWorker("train"));
  #files: readonly DataSource[] = [];
  #losses: ChartPoint[] = [];
  #chart: HTMLElement | undefined;
  #told = "";
  #isRunning = false;

  show(host: HTMLElement, { of }: View): void {
    const chosen = make(
      "select",
      { name: "data" },
      ...this.#choices().map((name) => make("option", {}, name)),
    );
    if (this.#files.length > 0) chosen.value = this.#files[0]!.name;
    else if (/label/.test(of.text) && isServed) chosen.value = "10,000 digits";
    const target = engineChoice();
    const steps = make("input", { type: "number", min: 1, value: STEPS, name: "steps", autocomplete: "off" });
    const files = make("input", { type: "file", multiple: true, "aria-label": "files to train on" });
    const note = make("p", { class: "about", "aria-live": "polite" }, this.#told);
    this.#chart = make("div", { class: "charts" });
    const run = button(this.#isRunning ? "Stop" : "Train", () => void toggle(), { class: "main" });
    files.addEventListener("change", () => void this.#take(files, chosen));
    const toggle = async (): Promise<void> => {
      if (this.#isRunning) {
        this.#worker.end();
        return;
      }
      run.textContent = "Stop";
      const say = (text: string): void => {
        this.#told = text;
        note.replaceChildren(...prose(text));
      };
      await this.#train(
        () => this.#data(chosen.value),
        { of, steps: steps.valueAsNumber, target: target.value },
        say,
      );
      run.textContent = "Train";
    };
    host.append(
      make(
        "div",
        { class: "bar-of-actions" },
        run,
        make("label", {}, "steps ", steps),
        make("label", {}, "data ", chosen),
        make("label", {}, "engine ", target),
        files,
      ),
      note,
      this.#chart,
    );
    this.#draw();
  }

  #choices(): readonly string[] {
    const given = this.#files.length > 0 ? [this.#files[0]!.name] : [];
    return [...given, SAMPLE, ...(isServed ? Object.keys(served) : [])];
  }

  /** Files of one's own: a text, or an array for each input and target, by its name before the first dot. */
  async #take({ files }: HTMLInputElement, chosen: HTMLSelectElement): Promise<void> {
    const all = [...(files ?? [])];
    this.#files = await Promise.all(
      all.map(async (file) => ({
        name: file.name,
        bytes: new Uint8Array(await file.arrayBuffer()),
        ...(all.length > 1 ? { feeds: file.name.replace(/\..*$/, "") } : {}),
      })),
    );
    chosen.replaceChildren(...this.#choices().map((name) => make("option", {}, name)));
  }

  async #data(choice: string): Promise<readonly DataSource[]> {
    const there = served[choice];
    if (there !== undefined)
      return Promise.all(
        there.map(async ([file, feeds]) => {
          const answer = await fetch(`examples/data/${file}`);
          if (!answer.ok) throw new Error(`examples/data/${file} is not beside this page`);
          return { name: file, bytes: new Uint8Array(await answer.arrayBuffer()), feeds };
        }),
      );
    if (choice === SAMPLE) return [{ name: "sample.txt", bytes: new TextEncoder().encode(sampleText()) }];
    return this.#files;
  }

  async #train(
    data: () => Promise<readonly DataSource[]>,
    request: Omit<TrainingRequest, "data">,
    say: (text: string) => void,
  ): Promise<void> {
    this.#isRunning = true;
    this.#losses = [];
    say("compiling …");
    let began = "";
    try {
      const trained = await this.#worker.call("train", { ...request, data: await data() }, (news) => {
        if (news.kind === "began") began = news.data;
        else {
          for (const y of news.losses) this.#losses.push({ x: this.#losses.length + 1, y });
          say(
            `${began}. Step ${this.#losses.length}, loss ${news.losses.at(-1)!.toFixed(3)}, ${news.perSecond.toFixed(1)} steps a second`,
          );
          this.#draw();
        }
      });
      const validation =
        trained.validation === undefined
          ? ""
          : `, ${trained.validation.toFixed(3)} on what it was not trained on`;
      say(
        `${began}. ${trained.steps} steps, ${trained.perSecond.toFixed(1)} a second; loss ${this.#losses.at(-1)!.y.toFixed(3)}${validation}`,
      );
    } catch (error) {
      if (error instanceof Ended) say(`stopped after ${this.#losses.length} steps`);
      else say(error instanceof Error ? error.message : String(error));
    } finally {
      this.#isRunning = false;
    }
  }

  #draw(): void {
    const host = this.#chart;
    if (host === undefined || this.#losses.length === 0) return;
    const width = Math.max(280, Math.min(900, (host.parentElement?.clientWidth ?? 700) - 32));
    host.replaceChildren(
      drawChart({
        title: "loss",
        xLabel: "step",
        log: false,
        width,
        height: 230,
        curves: [{ name: "loss", tone: 0, thick: true, points: this.#losses }],
      }),
    );
  }
}

export const trainPane: Pane = new TrainPane();
