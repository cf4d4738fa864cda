import { Ended, Remote } from "./calls.ts";
import { Controls, MODEL_CHOICE } from "./controls.ts";
import { byId, elementOf, make } from "./dom.ts";
import { Editor } from "./editor/editor.ts";
import { services } from "./editor/services.ts";
import type { ModelText, UsedFile } from "./model.ts";
import { typescriptPane, wgslPane } from "./panes/code.ts";
import { depthPane } from "./panes/depth.ts";
import { edgesPane } from "./panes/edges.ts";
import { generatePane } from "./panes/generate.ts";
import { passesPane } from "./panes/passes.ts";
import { planPane } from "./panes/plan.ts";
import { trainPane } from "./panes/train.ts";
import { Tabs } from "./panes/tabs.ts";
import { Picture } from "./picture.ts";
import { showProblems } from "./problems.ts";
import { readServed, saveServed, servedFile } from "./served.ts";
import { toAddress, type Shared } from "./share.ts";
import { plural } from "../src/support/text.ts";
import type { BuildCalls, Built } from "./workers/build.ts";
import type { CheckCalls, Checked, Definition } from "./workers/check.ts";
import { startWorker } from "./workers/start.ts";

/** The example that is shown to whoever comes without one. */
const BEGINNING = "placement";

/** Milliseconds that a picture without its kernels waits for the one that has them, so that it does not flicker with each key. */
const PATIENCE = 250;

/** The page: one text, what is set beside it, and all that is shown of them. */
export class Page {
  readonly #check = new Remote<CheckCalls>(() => startWorker("check"));
  readonly #build = new Remote<BuildCalls>(() => startWorker("build"));
  readonly #editor: Editor;
  readonly #picture: Picture;
  readonly #controls: Controls;
  readonly #tabs: Tabs;
  #settings: Readonly<Record<string, string>> = {};
  #model: string | undefined;
  #opened: readonly string[] = [];
  /** Those that the text on disk uses. */
  #files: readonly UsedFile[] = [];
  #checked: Checked | undefined;
  /** A check runs; whether what it looks at has changed meanwhile. */
  #checking: "idle" | "running" | "stale" = "idle";
  #hasPicture = false;

  constructor() {
    this.#editor = new Editor(
      byId("editor"),
      {
        changed: () => this.#look(),
        moved: (offset) => this.#picture.lightAt(offset),
      },
      services({
        check: this.#check,
        now: () => this.now,
        goTo: (definition) => this.#goToDefinition(definition),
        say: (text) => this.#say(text),
      }),
    );
    this.#picture = new Picture(byId("picture"), {
      chosen: (range) => this.#editor.goTo(range),
      over: (range) => this.#editor.light(range),
      opened: ({ from, to }) => this.#toggleOpened(this.#editor.text.slice(from, to)),
    });
    this.#controls = new Controls(elementOf("form", "controls"), {
      changed: (name, value) => this.#set(name, value),
      write: () => void this.#write(),
    });
    this.#tabs = new Tabs(byId("tabs"), byId("pane"), [
      edgesPane,
      depthPane,
      passesPane,
      planPane,
      typescriptPane,
      wgslPane,
      trainPane,
      generatePane,
    ]);
    byId("share").addEventListener("click", () => void this.#share());
    elementOf("select", "model").addEventListener("change", ({ target }) => {
      void this.#load((target as HTMLSelectElement).value);
    });
  }

  /** The text with its settings, as it is now. */
  get now(): ModelText {
    return { text: this.#editor.text, settings: this.#settings, model: this.#model, files: this.#files };
  }

  /** Shows what an address held, or the first example; of a page that `lmg play` serves, the file on disk. */
  async begin(shared: Shared | undefined): Promise<void> {
    if (servedFile !== undefined) {
      await this.#follow(servedFile);
      return;
    }
    if (shared !== undefined) this.open(shared);
    const [all] = await Promise.all([
      this.#check.call("examples", undefined),
      shared === undefined ? this.#load(BEGINNING) : undefined,
    ]);
    const select = elementOf("select", "model");
    const groups = [...new Set(all.map(({ group }) => group))];
    select.append(
      ...(shared === undefined ? [] : [make("option", { value: "" }, "shared")]),
      ...groups.map((group) =>
        make(
          "optgroup",
          { label: group },
          ...all
            .filter((example) => example.group === group)
            .map(({ name }) => make("option", { value: name }, name.replace(/^families\//, ""))),
        ),
      ),
    );
    select.value = shared === undefined ? BEGINNING : "";
  }

  /** Shows the file that is served, and follows it while nothing here differs from it. */
  async #follow(name: string): Promise<void> {
    byId("model").parentElement!.hidden = true;
    const [file, save] = [byId("file"), byId("save")];
    file.textContent = name;
    file.hidden = save.hidden = false;
    let onDisk = await readServed();
    this.#files = onDisk.files;
    this.open({ text: onDisk.text, settings: {} });
    save.addEventListener("click", () => {
      const { text } = this.now;
      void saveServed(text).then((problem) => {
        if (problem === undefined) onDisk = { ...onDisk, text };
        this.#say(problem ?? "saved", problem === undefined ? "good" : "bad");
      });
    });
    new EventSource("events").addEventListener("message", () => {
      void readServed().then((read) => {
        const isOwn = this.#editor.text !== onDisk.text && read.text !== onDisk.text;
        const isOther = read.text !== this.#editor.text;
        onDisk = read;
        this.#files = read.files;
        if (isOwn && isOther) this.#say("the file on disk has changed, and so has the text here", "bad");
        else if (isOther) this.#editor.update(read.text);
        else this.#look();
      });
    });
  }

  /** Shows another text. */
  open({ text, settings, model }: Shared): void {
    this.#settings = settings;
    this.#model = model;
    this.#opened = [];
    this.#hasPicture = false;
    this.#editor.replace(text);
  }

  async #load(name: string): Promise<void> {
    const text = await this.#check.call("example", name);
    if (text !== undefined) this.open({ text, settings: {} });
  }

  #set(name: string, value: string): void {
    if (name === MODEL_CHOICE) {
      this.#model = value;
      this.#settings = {};
    } else {
      const fallback = this.#checked?.parameters.find((parameter) => parameter.name === name)?.fallback;
      const others = Object.entries(this.#settings).filter(([other]) => other !== name);
      this.#settings = Object.fromEntries(value === fallback ? others : [...others, [name, value]]);
    }
    this.#look();
  }

  /** Makes what is set the defaults of the text. */
  async #write(): Promise<void> {
    const of = this.now;
    const changes = await this.#check.call("write", of);
    if (this.#editor.text !== of.text) return;
    this.#settings = {};
    this.#editor.view.dispatch({ changes: [...changes] });
  }

  #toggleOpened(text: string): void {
    const word = /^[\w.]+/.exec(text)?.[0];
    if (word === undefined) return;
    this.#opened = this.#opened.includes(word)
      ? this.#opened.filter((other) => other !== word)
      : [...this.#opened, word];
    this.#look();
  }

  /** Looks at the text as it is now; while one is looked at, what is typed is looked at once, afterwards. */
  #look(): void {
    if (this.#checking !== "idle") {
      this.#checking = "stale";
      return;
    }
    void this.#lookNow();
  }

  async #lookNow(): Promise<void> {
    do {
      this.#checking = "running";
      const of = this.now;
      const opened = this.#opened;
      try {
        const checked = await this.#check.call("check", { of, opened });
        if (this.#editor.text === of.text)
          this.#showChecked(checked, { ...of, settings: checked.settings }, opened);
      } catch (error) {
        if (!(error instanceof Ended)) this.#say(`lmg failed: ${String(error)}`, "bad");
      }
    } while ((this.#checking as string) === "stale");
    this.#checking = "idle";
  }

  #showChecked(checked: Checked, of: ModelText, opened: readonly string[]): void {
    this.#checked = checked;
    const { problems, hints, parameters, svg } = checked;
    // Those whose parameters are gone from the text are forgotten.
    this.#settings = Object.fromEntries(
      Object.entries(this.#settings).filter(([name]) =>
        parameters.some((parameter) => parameter.name === name),
      ),
    );
    this.#editor.showProblems(problems);
    this.#editor.showHints(hints);
    showProblems(byId("problems"), problems, {
      goTo: (range) => this.#editor.goTo(range),
      mend: (changes) => this.#editor.view.dispatch({ changes: [...changes] }),
    });
    const errors = problems.filter(({ severity }) => severity === "error").length;
    if (errors > 0) {
      this.#say(plural(errors, "mistake"), "bad");
      this.#picture.fade();
      this.#tabs.fade();
      return;
    }
    const warnings = problems.length;
    this.#say(warnings > 0 ? plural(warnings, "warning") : "well-formed", warnings > 0 ? "" : "good");
    this.#controls.show(parameters, this.#settings, {
      names: checked.models,
      chosen: this.#model ?? checked.name,
    });
    void this.#showBuilt(checked, of, opened, svg!);
  }

  async #showBuilt(checked: Checked, of: ModelText, opened: readonly string[], svg: string): Promise<void> {
    const isCurrent = (): boolean => this.#checked === checked;
    const showPlain = (): void => {
      if (isCurrent()) this.#showPicture(svg);
    };
    let waiting: ReturnType<typeof setTimeout> | undefined;
    if (this.#hasPicture) waiting = setTimeout(showPlain, PATIENCE);
    else showPlain();
    try {
      const built = await this.#build.call("build", { of, opened });
      clearTimeout(waiting);
      if (built !== undefined && isCurrent()) this.#show(checked, of, built);
    } catch (error) {
      if (!(error instanceof Ended)) this.#say(`lmg failed: ${String(error)}`, "bad");
    }
  }

  #showPicture(svg: string): void {
    this.#hasPicture = true;
    this.#picture.show(svg, this.#editor.view.state.selection.main.head);
  }

  #show(checked: Checked, of: ModelText, built: Built): void {
    this.#showPicture(built.svg);
    byId("legend").textContent =
      built.count === 0
        ? "no residual edge"
        : `${plural(built.count, "residual edge")}, ${built.joined} with the add fused`;
    this.#tabs.show({
      of,
      checked,
      built,
      build: this.#build,
      goToLine: (line) => this.#editor.goToLine(line),
      line: () => this.#editor.view.state.doc.lineAt(this.#editor.view.state.selection.main.head).number,
    });
    document.documentElement.dataset["built"] = checked.name;
  }

  #say(text: string, how: "good" | "bad" | "" = ""): void {
    const status = byId("status");
    status.textContent = text;
    status.className = how;
  }

  async #share(): Promise<void> {
    history.replaceState(null, "", `#${toAddress(this.now)}`);
    try {
      await navigator.clipboard.writeText(location.href);
      this.#say("the address is in the clipboard", "good");
    } catch {
      this.#say("the address of this page holds it now", "good");
    }
  }

  #goToDefinition({ from, to, file }: Definition): void {
    if (file === undefined) {
      this.#editor.goTo({ from, to });
      return;
    }
    const dialog = elementOf("dialog", "source");
    byId("source-name").textContent = file.name;
    const mark = make("mark", {}, file.text.slice(from, to));
    dialog.querySelector("pre")!.replaceChildren(file.text.slice(0, from), mark, file.text.slice(to));
    dialog.showModal();
    mark.scrollIntoView({ block: "center" });
  }
}
