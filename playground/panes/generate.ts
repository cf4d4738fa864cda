import { Ended, Remote } from "../calls.ts";
import { button, make } from "../dom.ts";
import { startWorker } from "../workers/start.ts";
import type { CheckpointGiven, WritingRequest } from "../workers/generate.ts";
import type { TrainCalls } from "../workers/train.ts";
import type { Pane } from "./pane.ts";

/** The files of the model that lmg trained, where they lie beside the page. */
const WHALE = "examples/weights/whale";
const texts = ["config.json", "tokenizer.json", "tokenizer_config.json"];

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
    const files = make("input", { type: "file", multiple: true, "aria-label": "files of a checkpoint" });
    const note = make("p", { class: "about", "aria-live": "polite" }, this.#told || this.#hint());
    const text = make("p", { class: "written" }, this.#written);
    const say = (said: string): void => {
      note.textContent = this.#told = said;
    };
    const take = (given: FileList | null): void => {
      this.#files = [...(given ?? [])];
      this.#opened = "";
      say(this.#hint());
    };
    files.addEventListener("change", () => {
      take(files.files);
    });
    host.ondragover = (event) => {
      event.preventDefault();
    };
    host.ondrop = (event) => {
      event.preventDefault();
      take(event.dataTransfer?.files ?? null);
    };
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
          target: "wasm",
        } as const;
        void this.#write(request, text, say).then(() => (run.textContent = "Write"));
      },
      { class: "main" },
    );
    host.append(
      make(
        "div",
        { class: "bar-of-actions" },
        run,
        make("label", {}, "prompt ", prompt),
        make("label", {}, "tokens ", count),
        make("label", {}, "temperature ", temperature),
        files,
      ),
      note,
      text,
    );
  }

  #hint(): string {
    if (this.#files.length > 0) return `from disk: ${this.#files.map(({ name }) => name).join(", ")}`;
    return isServed
      ? "By the model that comes with lmg, which read one novel; or drop the files of a checkpoint here: config.json, tokenizer.json, model.safetensors."
      : "Drop the files of a checkpoint here, or choose them: config.json, tokenizer.json, model.safetensors. examples/weights/whale has one.";
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
      const key = this.#files.map(({ name, size }) => `${name} ${size}`).join() || WHALE;
      const checkpoint = this.#opened === key ? undefined : await this.#checkpoint();
      const { perSecond } = await this.#worker.call("write", { ...request, checkpoint }, (piece) => {
        this.#written += piece;
        host.append(piece);
      });
      this.#opened = key;
      say(`${perSecond.toFixed(0)} tokens a second`);
    } catch (error) {
      this.#opened = "";
      say(error instanceof Ended ? "stopped" : error instanceof Error ? error.message : String(error));
    } finally {
      this.#isRunning = false;
    }
  }

  async #checkpoint(): Promise<CheckpointGiven> {
    const bytesOf = async (name: string): Promise<Uint8Array<ArrayBuffer> | undefined> => {
      const file = this.#files.find((one) => one.name === name);
      if (this.#files.length > 0) return file && new Uint8Array(await file.arrayBuffer());
      if (!isServed) return undefined;
      const answer = await fetch(`${WHALE}/${name}`);
      return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined;
    };
    const [weights, ...found] = await Promise.all(["model.safetensors", ...texts].map(bytesOf));
    if (weights === undefined || found[0] === undefined || found[1] === undefined)
      throw new Error(
        "a checkpoint has config.json, tokenizer.json and model.safetensors: one of them is missing",
      );
    const named = texts.flatMap((name, index) => {
      const bytes = found[index];
      return bytes === undefined ? [] : [[name, new TextDecoder().decode(bytes)] as const];
    });
    return { texts: Object.fromEntries(named), weights };
  }
}

export const generatePane: Pane = new GeneratePane();
