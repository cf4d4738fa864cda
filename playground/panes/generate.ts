import { Ended, Remote } from "../calls.ts";
import { button, make } from "../dom.ts";
import { startWorker } from "../workers/start.ts";
import type { WritingRequest } from "../workers/generate.ts";
import type { TrainCalls } from "../workers/train.ts";
import { engineChoice } from "./engine.ts";
import type { Pane } from "./pane.ts";

/** The files of the model that lmg trained, where they lie beside the page. */
const WHALE = "examples/weights/whale";
const whaleFiles = ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"];

/** What is said of files that can be given. */
const FORMS =
  "a folder with config.json, tokenizer.json and .safetensors (in shards with their index), or a .gguf file";

const isServed = location.protocol.startsWith("http");

/** Writes texts by a published checkpoint: the one that comes with lmg, or one from disk, which never leaves the page. */
class GeneratePane implements Pane {
  readonly name = "Generate";
  readonly #worker = new Remote<TrainCalls>(() => startWorker("train"));
  #files: readonly File[] = [];
  /** What the worker has open. */
  #opened = "";
  #written = "";
  #told = "";
  #isRunning = false;

  show(host: HTMLElement): void {
    const prompt = make("input", { type: "text", value: "The whale", size: 28, autocomplete: "off" });
    const count = make("input", { type: "number", min: 1, value: 200, autocomplete: "off" });
    const temperature = make("input", { type: "number", min: 0, step: 0.1, value: 0.7, autocomplete: "off" });
    const target = engineChoice();
    const files = make("input", { type: "file", multiple: true, "aria-label": "files of a checkpoint" });
    const folder = make("input", {
      type: "file",
      webkitdirectory: true,
      "aria-label": "folder of a checkpoint",
    });
    const note = make("p", { class: "about", "aria-live": "polite" }, this.#told || this.#hint());
    const text = make("p", { class: "written" }, this.#written);
    const say = (said: string): void => {
      note.textContent = this.#told = said;
    };
    const take = (given: readonly File[]): void => {
      this.#files = given;
      this.#opened = "";
      say(this.#hint());
    };
    for (const input of [files, folder])
      input.addEventListener("change", () => {
        take(ownFiles(input.files));
      });
    const run = button(
      this.#isRunning ? "Stop" : "Write",
      () => {
        if (this.#isRunning) {
          this.#worker.end();
          return;
        }
        run.textContent = "Stop";
        const request = {
          prompt: prompt.value,
          count: count.valueAsNumber,
          temperature: temperature.valueAsNumber,
          seed: Date.now() % 100_000,
          target: target.value,
        };
        void this.#write(request, text, say).then(() => (run.textContent = "Write"));
      },
      { class: "main" },
    );
    const place = make(
      "div",
      { class: "dropping" },
      make(
        "div",
        { class: "bar-of-actions" },
        run,
        make("label", {}, "prompt ", prompt),
        make("label", {}, "tokens ", count),
        make("label", {}, "temperature ", temperature),
        make("label", {}, "engine ", target),
        make("label", {}, "files ", files),
        make("label", {}, "folder ", folder),
      ),
      note,
      text,
    );
    takeDrops(place, take, say);
    host.append(place);
  }

  #hint(): string {
    if (this.#files.length > 0) return `from disk: ${this.#files.map(({ name }) => name).join(", ")}`;
    return isServed
      ? `By the model that comes with lmg, which read one novel; or by yours, which never leaves this page: drop it here, or choose ${FORMS}.`
      : `Drop a checkpoint here, or choose it: ${FORMS}. It never leaves this page. examples/weights/whale is one.`;
  }

  async #write(
    request: Omit<WritingRequest, "checkpoint">,
    host: HTMLElement,
    say: (text: string) => void,
  ): Promise<void> {
    this.#isRunning = true;
    host.textContent = this.#written = request.prompt;
    say("opening …");
    try {
      const key = JSON.stringify([
        request.target,
        ...this.#files.map(({ name, size, lastModified }) => [name, size, lastModified]),
      ]);
      const checkpoint = this.#opened === key ? undefined : await this.#checkpoint();
      const { perSecond } = await this.#worker.call("write", { ...request, checkpoint }, (piece) => {
        this.#written += piece;
        host.append(piece);
      });
      this.#opened = key;
      say(`By ${this.#name}: ${perSecond.toFixed(0)} tokens a second.`);
    } catch (error) {
      this.#opened = "";
      say(error instanceof Ended ? "stopped" : error instanceof Error ? error.message : String(error));
    } finally {
      this.#isRunning = false;
    }
  }

  get #name(): string {
    const [first] = this.#files;
    if (first === undefined) return "the model that comes with lmg";
    const weights = this.#files.find(({ name }) => /\.(?:safetensors|gguf)$/i.test(name)) ?? first;
    return weights.webkitRelativePath.split("/")[0] || weights.name;
  }

  async #checkpoint(): Promise<readonly File[]> {
    if (this.#files.length > 0) return this.#files;
    if (!isServed) throw new Error(`no checkpoint was given: choose ${FORMS}`);
    return Promise.all(
      whaleFiles.map(async (name) => {
        const answer = await fetch(`${WHALE}/${name}`);
        if (!answer.ok) throw new Error(`${WHALE}/${name} is not beside this page`);
        return new File([await answer.blob()], name);
      }),
    );
  }
}

/** The files of a folder that was chosen, and not those of folders in it. */
const ownFiles = (files: FileList | null): readonly File[] =>
  [...(files ?? [])].filter(({ webkitRelativePath: path }) => path.split("/").length <= 2);

/** Gives what is dropped on an element, which shows that it would take it, or says why that cannot be read. */
function takeDrops(
  place: HTMLElement,
  take: (files: readonly File[]) => void,
  say: (text: string) => void,
): void {
  const over = (event: DragEvent, isOver: boolean): void => {
    event.preventDefault();
    place.classList.toggle("over", isOver);
  };
  place.addEventListener("dragover", (event) => {
    over(event, true);
  });
  place.addEventListener("dragleave", (event) => {
    over(event, false);
  });
  place.addEventListener("drop", (event) => {
    over(event, false);
    // Chromium reads no folder that is dropped on a page from disk.
    void dropped(event.dataTransfer?.items).then(take, () => {
      say(
        "The browser does not let this page read what was dropped: drop the files of the folder, or choose it.",
      );
    });
  });
}

/** What was dropped: files, or those of a folder. It is to be asked for before the event is over. */
async function dropped(items: DataTransferItemList | undefined): Promise<readonly File[]> {
  const entries = [...(items ?? [])].map((item) => item.webkitGetAsEntry());
  return (await Promise.all(entries.map(filesOf))).flat();
}

async function filesOf(entry: FileSystemEntry | null): Promise<readonly File[]> {
  if (entry === null) return [];
  if (entry.isFile)
    return [await new Promise((done, fail) => (entry as FileSystemFileEntry).file(done, fail))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  // A reader gives a part of them at a time, and none at the end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (part.length === 0) return found;
    for (const one of part) if (one.isFile) found.push(...(await filesOf(one)));
  }
}

export const generatePane: Pane = new GeneratePane();
