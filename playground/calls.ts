import { ProblemError } from "../src/checkpoint/problem.ts";

/** What a worker can be asked for: by name, what it is given, what it answers, and what it tells on the way. */
export interface Call {
  readonly request: unknown;
  readonly result: unknown;
  readonly news: unknown;
}

export type Calls = Readonly<Record<string, Call>>;

/** A function for each call. */
export type Serving<C extends Calls> = {
  readonly [N in keyof C]: (
    request: C[N]["request"],
    tell: (news: C[N]["news"]) => void,
  ) => C[N]["result"] | Promise<C[N]["result"]>;
};

interface Asked {
  readonly number: number;
  readonly name: string;
  readonly request: unknown;
}

interface Answer {
  readonly number: number;
  readonly kind: "news" | "result" | "failed";
  /** What it failed with is a sentence. */
  readonly value: unknown;
}

/**
 * The worker's side: answers each call; one that throws is told, and the worker lives on. It listens before what it serves is loaded: a
 * message that nobody hears is lost.
 */
export function serve<C extends Calls>(serving: Promise<Serving<C>>): void {
  const post = (answer: Answer): void => {
    (globalThis as unknown as Worker).postMessage(answer);
  };
  globalThis.addEventListener("message", ({ data: { number, name, request } }: MessageEvent<Asked>) => {
    const tell = (value: unknown): void => {
      post({ number, kind: "news", value });
    };
    void (async () => {
      try {
        post({ number, kind: "result", value: await (await serving)[name]!(request, tell) });
      } catch (error) {
        post({ number, kind: "failed", value: sentenceOf(error) });
      }
    })();
  });
}

/** What went wrong, with the way forward where one is known. */
function sentenceOf(error: unknown): string {
  if (error instanceof ProblemError)
    return error.problems
      .map(({ message, help }) => (help === undefined ? message : `${message}: ${help}`))
      .join("; ");
  return error instanceof Error ? error.message : String(error);
}

interface Waiting {
  readonly done: (value: never) => void;
  readonly fail: (error: Error) => void;
  readonly hear: ((news: never) => void) | undefined;
}

/** The page's side of a worker, which is started with the first call; one that was ended starts anew. */
export class Remote<C extends Calls> {
  readonly #start: () => Worker;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #count = 0;

  constructor(start: () => Worker) {
    this.#start = start;
  }

  /** Rejects if the worker throws, or is ended before it answers. */
  call<N extends keyof C & string>(
    name: N,
    request: C[N]["request"],
    hear?: (news: C[N]["news"]) => void,
  ): Promise<C[N]["result"]> {
    const number = this.#count++;
    return new Promise((done, fail) => {
      this.#waiting.set(number, { done, fail, hear });
      this.#running().postMessage({ number, name, request } satisfies Asked);
    });
  }

  /** Ends the worker, whatever it is at. */
  end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail(new Ended());
  }

  #fail(error: Error): void {
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = this.#start();
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.number);
      if (waiting === undefined) return;
      if (data.kind === "news") {
        waiting.hear?.(data.value as never);
        return;
      }
      this.#waiting.delete(data.number);
      if (data.kind === "result") waiting.done(data.value as never);
      else waiting.fail(new Error(String(data.value)));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(new Error(event.message || "a worker could not be started"));
    };
    return (this.#worker = worker);
  }
}

/** A worker was ended before it answered. */
export class Ended extends Error {
  override name = "Ended";
}
