import type { Piece } from "../../module/piece.ts";
import { fragment } from "../../module/text.ts";
import { CLOSED, CONSTANTS_AT, MOST_THREADS } from "../map.ts";
import { constants } from "./constants.ts";

/** The types of what a caller says of threads. */
export const threadOptions: Piece = {
  declares: ["ThreadOptions", "RunOptions"],
  code: fragment`
  /** Where a model runs, and how it is watched. */
  export interface ThreadOptions extends LoadOptions {
    /** How many threads run it: as many as the machine has cores and the model has work for, if it is left off. */
    readonly threads?: number;
  }

  export interface RunOptions {
    /**
     * Ends the run, which then rejects with the signal's reason; in a page that is not isolated from other origins it rejects
     * when the run is over, as nothing reaches its worker before.
     */
    readonly signal?: AbortSignal;
  }
`,
};

/** Threads that are used unasked: more cores than these are seldom all free, and share their memory. */
const MOST_USED = 8;

/** The types of what starts them. */
export const hostTypes: Piece = {
  declares: ["Thread", "Failure", "Engine"],
  code: fragment`
  /** A worker. */
  interface Thread {
    /** What it is to lock while it lives, where that is how one hears of its end. */
    readonly lock: string | undefined;
    readonly post: (message: object, buffers?: ArrayBuffer[]) => void;
    readonly end: () => void;
    readonly listen: (
      on: (message: { readonly ready?: true; readonly outcome?: Outcome } & Partial<Failure>) => void,
      ended: (why: string) => void,
    ) => void;
  }

  /** Why threads go on no more; where, if one trapped. */
  interface Failure {
    readonly trapped?: string;
    readonly at?: number;
    readonly message?: string;
  }

  interface Engine {
    readonly ranks: number;
    /** The memory, if this thread sees it. */
    readonly memory: WebAssembly.Memory | undefined;
    readonly perform: (job: Job) => Promise<Outcome>;
    readonly close: () => void;
    readonly whyFailed: () => Promise<Failure>;
    /** Why it runs no more, once that was told. */
    readonly ended: { why?: string | undefined };
  }
`,
};

/** What starts threads and keeps what becomes of them. */
export const hostRuntime: Piece = {
  declares: [
    "CLOSED",
    "CONSTANTS_AT",
    "MOST_THREADS",
    "MOST_USED",
    ...[
      "EngineError",
      "bytesOfText",
      "fusesProducts",
      "compileKernels",
      "canShare",
      "threadsFor",
      "countCores",
      "hasNodeWorkers",
      "startWorker",
      "startEngine",
    ],
  ],
  code: [
    ...constants({
      CLOSED,
      CONSTANTS_AT,
      MOST_THREADS,
      MOST_USED,
    }),
    "",
    ...fragment`
    /** What this engine lacks, or what became of its threads. */
    export class EngineError extends Error {
      «override readonly» name = "EngineError";
    }

    const bytesOfText = (text«: string»)«: Uint8Array<ArrayBuffer>» => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));

    /** Whether x * y + z is rounded once here. */
    async function fusesProducts()«: Promise<boolean>» {
      const bytes = bytesOfText(relaxedProbe);
      if (!WebAssembly.validate(bytes)) return false;
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
      const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
      return (instance.exports.isFused« as () => number»)() !== 0;
    }

    /** The kernels, compiled for what this engine has; memory that is one thread's own is declared by one byte. */
    async function compileKernels(isShared«: boolean»)«: Promise<WebAssembly.Module>» {
      if (typeof WebAssembly !== "object")
        throw new EngineError("this engine has no WebAssembly: write the model with --target ts, which needs none");
      const bytes = bytesOfText((await fusesProducts()) ? kernelCode.relaxed : kernelCode.plain);
      if (!isShared) bytes[SHARED_AT] = OWN_BYTE;
      try {
        return await WebAssembly.compile(bytes);
      } catch (error) {
        throw new EngineError("this engine does not take the kernels, which need SIMD: write the model with --target ts, which needs neither", { cause: error });
      }
    }

    /** Whether threads of this realm may share memory. */
    const canShare = ()«: boolean» => typeof SharedArrayBuffer === "function" && globalThis.crossOriginIsolated !== false;

    /** As many threads as there are cores, up to what the work of a run is worth. */
    async function threadsFor(asked«: number | undefined»)«: Promise<number>» {
      if (asked !== undefined && !(Number.isSafeInteger(asked) && asked >= 1 && asked <= MOST_THREADS))
        throw new EngineError("a model takes 1 to " + MOST_THREADS + " threads, got " + String(asked));
      if (!canShare()) return 1;
      return asked ?? Math.max(1, Math.min(await countCores(), MOST_USED, THREADS_WORTH));
    }

    async function countCores()«: Promise<number>» {
      const found = globalThis.navigator?.hardwareConcurrency;
      if (found !== undefined) return found;
      const from = "node:os";
      return (await import(/* @vite-ignore */ /* webpackIgnore: true */ from)).availableParallelism();
    }

    /**
     * Whether workers are Node's: by its version, as other libraries of a process give it a Worker that is not the web's. Those of the web would
     * keep a process of Deno alive.
     */
    function hasNodeWorkers()«: boolean» {
      if ("Deno" in globalThis || typeof Worker !== "function") return true;
      const { process } = globalThis« as { readonly process?: { readonly versions?: Readonly<Record<string, string>> } }»;
      return process?.versions?.node !== undefined && process.versions.bun === undefined && typeof document === "undefined";
    }

    /** A thread of its own. */
    async function startWorker()«: Promise<Thread>» {
      if (!hasNodeWorkers()) {
        const url = URL.createObjectURL(new Blob([workerText], { type: "text/javascript" }));
        const worker = new Worker(url, { type: "module" });
        (worker« as { readonly unref?: () => void }»).unref?.();
        const locks = globalThis.navigator?.locks« as LockManager | undefined»;
        return {
          // No address of this kind is given twice.
          lock: locks === undefined ? undefined : url,
          post: (message, buffers = []) => worker.postMessage(message, buffers),
          end: () => worker.terminate(),
          listen: (on, ended) => {
            worker.onmessage = ({ data }) => {
              URL.revokeObjectURL(url);
              // Browsers do not say that a worker ended, but give its lock to whoever waits for it.
              if (data.ready === true) locks?.request(url, () => ended("its worker was ended")).catch(() => undefined);
              on(data);
            };
            worker.onerror = (event) => {
              event.preventDefault?.();
              ended(event.message ?? "it could not start");
            };
            worker.addEventListener("close", () => ended("it was closed"));
          },
        };
      }
      const from = "node:worker_threads";
      const { Worker: NodeWorker } = await import(/* @vite-ignore */ /* webpackIgnore: true */ from);
      const worker = new NodeWorker(workerText, { eval: true });
      worker.unref();
      return {
        lock: undefined,
        post: (message, buffers = []) => worker.postMessage(message, buffers),
        end: () => worker.terminate(),
        listen: (on, ended) => {
          worker.on("message", on);
          worker.on("error", (error«: Error») => ended(error.message));
          worker.on("exit", (code«: number») => ended("it ended with code " + code));
        },
      };
    }

    /** Starts the threads; in a page all of them are workers, as nothing may wait there. */
    async function startEngine(asked«: number | undefined»)«: Promise<Engine>» {
      const ranks = await threadsFor(asked);
      const isPage = typeof document !== "undefined";
      const isShared = canShare() && (ranks > 1 || isPage);
      const module = await compileKernels(isShared);
      const memory = isShared || !isPage ? reserveMemory(isShared) : undefined;
      const threads«: Thread[]» = [];
      let failure«: Failure | undefined»;
      let answer = (_«: Outcome»)«: void» => {};
      const fail = (rank«: number», found«: Failure»)«: void» => {
        failure ??= found;
        if (memory !== undefined) poison(memory, 1 + rank);
        if (rank === 0) answer({ kind: "poisoned" });
      };
      const close = ()«: void» => {
        fail(CLOSED - 1, { message: "it was closed" });
        answer({ kind: "poisoned" });
        for (const thread of threads.splice(0)) thread.end();
      };
      const start = async (rank«: number») => {
        const thread = await startWorker();
        threads.push(thread);
        const ready = new Promise«<void>»((done, refuse) =>
          thread.listen(
            (message) => {
              if (message.ready === true) done();
              else if (message.outcome !== undefined) answer(message.outcome);
              else fail(rank, message« as Failure»);
            },
            (why) => {
              fail(rank, { message: "thread " + rank + " is gone: " + why });
              refuse(new EngineError("thread " + rank + " did not start: " + why));
            },
          ),
        );
        thread.post({ module, memory, rank, ranks, lock: thread.lock });
        await ready;
      };
      const lead = isPage ? undefined : leadThreads({ module, memory, rank: 0, ranks });
      try {
        if (isPage) await start(0);
        await Promise.all(Array.from({ length: ranks - 1 }, (_, index) => start(1 + index)));
      } catch (error) {
        close();
        throw error;
      }
      const ask = ({ writes, ...job }«: Job») => new Promise«<Outcome>»((done) => {
        answer = done;
        // A copy of what is written alone: a part of a file's bytes would be sent with the whole file.
        const copies = writes.map(([address, data]) => [address, data.slice()]« as const»);
        threads[0]«!».post({ ...job, writes: copies }, copies.map(([, { buffer }]) => buffer« as ArrayBuffer»));
      });
      /** Why threads failed, which a message may still be about to say. */
      const whyFailed = async () => {
        while (failure === undefined) await new Promise((go) => setTimeout(go));
        return failure;
      };
      const perform = (job«: Job»)«: Promise<Outcome>» =>
        failure !== undefined ? Promise.resolve({ kind: "poisoned" }) : lead === undefined ? ask(job) : lead(job);
      return { ranks, memory, perform, close, whyFailed, ended: {} };
    }
  `,
  ],
};
