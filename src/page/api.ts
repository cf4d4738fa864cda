import type { Generated, GenerateOptions } from "../session/generate.ts";
import type { ChatMessage } from "../text/chat.ts";
import type { LoadProgress, ModelFacts, ModuleTarget } from "./facts.ts";
import type { CallMessage, ErrorRecord, OpenMessage, ToPage, ToWorker, WriteMessage } from "./messages.ts";

export type { Generated, GenerateOptions, Stopped } from "../session/generate.ts";
export type { Sampling } from "../session/sampling.ts";
export type { ChatMessage } from "../text/chat.ts";
export type { LoadProgress, ModelFacts, ModuleTarget } from "./facts.ts";

export interface LoadOptions {
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the loading, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** In how many threads a processor runs it: as many as help, if left off. It changes no bit of what is computed. */
  readonly threads?: number;
  /** Which module of the folder runs it. Left off, WebGPU where the folder has it and there is a GPU, else the processor. */
  readonly target?: ModuleTarget;
}

/**
 * How a text is written. It ends at the stop tokens and stop texts of the model's generation_config.json, if no others are
 * given.
 */
export interface WriteOptions extends Omit<GenerateOptions, "signal"> {
  /** Ends the text after the step that runs: what was written until then is its result, `stopped` is "aborted". */
  readonly signal?: AbortSignal;
}

/** A text as it comes, in pieces of whole characters; who leaves the loop over it ends it. */
export interface TextStream extends AsyncIterable<string> {
  /** All of it, why it ended, and how long it took; rejects where it could not be written. */
  readonly result: Promise<Generated>;
}

/** A model in a worker of its own. Texts that are asked for while one is written take their turns. */
export interface TextModel extends ModelFacts {
  /** What comes behind a prompt. */
  readonly generate: (prompt: string, options?: WriteOptions) => TextStream;
  /** The answer in a conversation. What was said before is not read again. */
  readonly chat: (messages: readonly ChatMessage[], options?: WriteOptions) => TextStream;
  /** Ends the worker, and what it is at. */
  readonly close: () => void;
}

/** Where this script lies. */
const here = import.meta.url;

/**
 * Loads the model of a folder that `lmg compile --generate` wrote, the one of this script if no address is given. Everything
 * runs in a worker; nothing is fetched but files of that folder.
 */
export async function load(
  folder: string | URL = new URL(".", here),
  { onProgress, signal, threads, target }: LoadOptions = {},
): Promise<TextModel> {
  signal?.throwIfAborted();
  const { href } = new URL(folder, globalThis.location.href);
  const address = href.endsWith("/") ? href : `${href}/`;
  const connection = new Connection(new Worker(`${address}worker.js`, { type: "module" }));
  const abort = (): void => {
    connection.end(signal?.reason);
  };
  signal?.addEventListener("abort", abort);
  try {
    const lock = `lmg ${performance.timeOrigin} ${Math.random()}`;
    const facts = await connection.open({ kind: "open", folder: address, lock, threads, target }, onProgress);
    return {
      ...facts,
      generate: (prompt, options) => connection.write({ prompt }, options),
      chat: (messages, options) => connection.write({ messages }, options),
      close: () => {
        connection.end(new Error("the model was closed"));
      },
    };
  } catch (error) {
    connection.end(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/** A text that a worker writes. */
class Call implements TextStream {
  readonly result: Promise<Generated>;
  readonly #stop: () => void;
  #pieces: string[] = [];
  #isOver = false;
  #changed = (): void => undefined;
  #settle!: { readonly done: (result: Generated) => void; readonly fail: (error: unknown) => void };

  constructor(stop: () => void) {
    this.#stop = stop;
    this.result = new Promise((done, fail) => {
      this.#settle = { done, fail };
    });
    // Who reads the pieces alone is told there.
    this.result.catch(() => undefined);
  }

  add(text: string): void {
    this.#pieces.push(text);
    this.#changed();
  }

  done(result: Generated): void {
    this.#isOver = true;
    this.#settle.done(result);
    this.#changed();
  }

  fail(error: unknown): void {
    this.#isOver = true;
    this.#settle.fail(error);
    this.#changed();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void> {
    try {
      for (;;) {
        yield* this.#pieces.splice(0);
        if (this.#pieces.length > 0) continue;
        if (this.#isOver) break;
        await new Promise<void>((go) => (this.#changed = go));
      }
      await this.result;
    } finally {
      if (!this.#isOver) this.#stop();
    }
  }
}

/** What a page has of its worker: the texts that are asked for, and whether it is still there. */
class Connection {
  readonly #worker: Worker;
  readonly #calls = new Map<number, Call>();
  #count = 0;
  /** Why it does nothing more. */
  #ended: { readonly reason: unknown } | undefined;
  #refuse: (reason: unknown) => void = () => undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onerror = (event) => {
      event.preventDefault();
      this.end(
        new Error(`the worker of the model ended: ${event.message || "its script could not be loaded"}`),
      );
    };
  }

  open(message: OpenMessage, onProgress: LoadOptions["onProgress"]): Promise<ModelFacts> {
    return new Promise((done, refuse) => {
      this.#refuse = refuse;
      this.#worker.onmessage = ({ data }: MessageEvent<ToPage>) => {
        if (data.kind === "alive") this.#watch(message.lock);
        else if (data.kind === "progress") onProgress?.(data.progress);
        else if (data.kind === "opened") done(data.facts);
        else if (data.kind === "refused") refuse(errorOf(data.error));
        else this.#hear(data);
      };
      this.#post(message);
    });
  }

  /** Ends the worker; what it is at fails for that reason. */
  end(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { reason };
    this.#worker.terminate();
    this.#refuse(reason);
    for (const call of this.#calls.values()) call.fail(reason);
    this.#calls.clear();
  }

  write(from: WriteMessage["from"], { signal, stopTokens, ...options }: WriteOptions = {}): TextStream {
    const number = this.#count++;
    const stop = (): void => {
      this.#post({ kind: "stop", call: number });
    };
    const call = new Call(stop);
    if (this.#ended !== undefined) {
      call.fail(this.#ended.reason);
      return call;
    }
    const ids = stopTokens === undefined ? {} : { stopTokens: [...stopTokens] };
    this.#post({ kind: "write", call: number, from, options: { ...options, ...ids } });
    this.#calls.set(number, call);
    if (signal?.aborted === true) stop();
    signal?.addEventListener("abort", stop);
    const forget = (): void => signal?.removeEventListener("abort", stop);
    call.result.then(forget, forget);
    return call;
  }

  #post(message: ToWorker): void {
    if (this.#ended === undefined) this.#worker.postMessage(message);
  }

  #hear(message: CallMessage): void {
    const call = this.#calls.get(message.call);
    if (message.kind === "text") call?.add(message.text);
    else {
      this.#calls.delete(message.call);
      if (message.kind === "ended") call?.done(message.result);
      else call?.fail(errorOf(message.error));
    }
  }

  /** Browsers do not say that a worker ended, but give the lock that it had to whoever waits for it; unsafe pages have none. */
  #watch(lock: string): void {
    const locks = navigator.locks as LockManager | undefined;
    locks
      ?.request(lock, () => {
        this.end(new Error("the worker of the model is gone, and the model with it: load it again"));
      })
      .catch(() => undefined);
  }
}

const errorOf = ({ name, message }: ErrorRecord): Error => Object.assign(new Error(message), { name });
