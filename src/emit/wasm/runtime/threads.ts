import type { Piece } from "../../module/piece.ts";
import { finishText, fragment } from "../../module/text.ts";
import { control, entries, outcomes, POSITION_BYTES, position, POSITIONS_AT, REFUSALS_AT } from "../map.ts";
import { MOST_PAGES } from "../kernel-table.ts";
import { constants } from "./constants.ts";

/** The types of what threads are asked for, and what becomes of it. */
export const threadTypes: Piece = {
  declares: ["Job", "Outcome", "Beginning"],
  code: fragment`
  /** What the first thread does for the host. */
  interface Job {
    /** Bytes that the memory has at least. */
    readonly bytes: number;
    readonly writes: readonly (readonly [address: number, data: Float32Array | Int32Array])[];
    /** Words that are zeros then. */
    readonly clears?: readonly (readonly [address: number, words: number])[];
    /** Words that are copied from address to address before it. */
    readonly moves?: readonly (readonly [from: number, to: number, words: number])[];
    /** The address of the list of calls, if there are any. */
    readonly list?: number;
    readonly reads: readonly (readonly [address: number, count: number, Kind: "f32" | "i32"])[];
  }

  /** What became of it. */
  type Outcome =
    | { readonly kind: "done"; readonly data: readonly (Float32Array | Int32Array)[] }
    | { readonly kind: "full" }
    | { readonly kind: "aborted" }
    /** What a caller got wrong: the kind, the index, what it must be below. */
    | { readonly kind: "refused"; readonly what: readonly number[] }
    /** What a thread threw, and the address of what it was at. */
    | { readonly kind: "trapped"; readonly trapped: string; readonly at: number }
    /** Another thread ended. */
    | { readonly kind: "poisoned" };

  /** What a thread is made of; without a memory it makes one that is its own. */
  interface Beginning {
    readonly module: WebAssembly.Module;
    readonly memory: WebAssembly.Memory | undefined;
    readonly rank: number;
    readonly ranks: number;
  }
`,
};

/** What threads and host say to each other. */
const numbers = {
  TURN_AT: control.TURN,
  POISON_AT: control.POISON,
  STOP_AT: control.STOP,
  LIST_AT: control.LIST,
  IDLE_AT: control.IDLE,
  REFUSALS_AT,
  POSITIONS_AT,
  POSITION_BYTES,
  ENTRY_AT: position.ENTRY,
  MEET: entries.MEET,
  FOLLOW: entries.FOLLOW,
  DONE: outcomes.done,
  POISONED: outcomes.poisoned,
  PAGE: 65536,
  MOST_PAGES,
};

/** What threads do, in the module as in workers. */
const threadParts = [
  ...constants(numbers),
  "",
  ...fragment`
    /** All memory that an address reaches, or as much as this machine lets one reserve. */
    function reserveMemory(shared«: boolean»)«: WebAssembly.Memory» {
      for (let maximum = MOST_PAGES; ; maximum /= 2) {
        try {
          return new WebAssembly.Memory({ initial: 1, maximum, shared });
        } catch (error) {
          if (maximum <= 256) throw error;
        }
      }
    }

    /** Where a thread is: the address of an entry of the list. */
    const entryOf = (memory«: WebAssembly.Memory», rank«: number»)«: number» =>
      new Uint32Array(memory.buffer)[(POSITIONS_AT + rank * POSITION_BYTES + ENTRY_AT) / 4];

    /** Lets no thread go on, wherever it waits. */
    function poison(memory«: WebAssembly.Memory», why«: number»)«: void» {
      const words = new Int32Array(memory.buffer, 0, 64);
      Atomics.store(words, POISON_AT / 4, why);
      Atomics.add(words, TURN_AT / 4, 2);
      Atomics.notify(words, TURN_AT / 4);
    }

    /** The first thread: does jobs one after the other, with what other threads there are. */
    function leadThreads({ module, memory = reserveMemory(false), ranks }«: Beginning») {
      const run = new WebAssembly.Instance(module, { env: { memory } }).exports.run« as (entry: number, rank: number, ranks: number) => number»;
      let [words, floats] = [new Int32Array(memory.buffer), new Float32Array(memory.buffer)];
      words.set([MEET, 0, FOLLOW, 0], IDLE_AT / 4);
      /** Where that ends which any job had: what lies beyond is zeros still, and takes no memory before it is written. */
      let touched = 0;

      /** With some room to grow, as memory that moves costs more than memory that nobody touches. */
      function makeRoom(bytes«: number»)«: boolean» {
        const have = words.byteLength / PAGE;
        const need = Math.ceil(bytes / PAGE);
        if (need <= have) return true;
        for (const pages of [Math.ceil(have / 8) + need, need]) {
          try {
            memory.grow(pages - have);
            [words, floats] = [new Int32Array(memory.buffer), new Float32Array(memory.buffer)];
            return true;
          } catch (error) {
            if (!(error instanceof RangeError)) throw error;
          }
        }
        return false;
      }

      /** What was refused first, in the order of the list. */
      function firstRefusal()«: number[] | undefined» {
        const found«: number[][]» = [];
        for (let rank = 0; rank < ranks; rank++) {
          const at = REFUSALS_AT / 4 + 4 * rank;
          if (words[at] !== 0) found.push([...words.subarray(at, at + 4)]);
          words[at] = 0;
        }
        return found.sort((a, b) => (a[3] >>> 0) - (b[3] >>> 0))[0];
      }

      async function runList(list«: number»)«: Promise<Outcome | undefined>» {
        words[LIST_AT / 4] = list;
        let outcome«: number»;
        try {
          outcome = run(list, 0, ranks);
          while (outcome > POISONED) {
            // It has waited for long: whoever else has a turn here may tell why.
            await new Promise((go) => setTimeout(go));
            outcome = run(entryOf(memory, 0), 0, ranks);
          }
        } catch (error) {
          poison(memory, 1);
          return { kind: "trapped", trapped: String(error), at: entryOf(memory, 0) };
        }
        if (outcome === DONE) return undefined;
        if (outcome === POISONED) return { kind: "poisoned" };
        const what = firstRefusal();
        Atomics.store(words, STOP_AT / 4, 0);
        return what === undefined ? { kind: "aborted" } : { kind: "refused", what };
      }

      return async ({ bytes, writes, clears = [], moves = [], list, reads }«: Job»)«: Promise<Outcome>» => {
        if (!makeRoom(bytes)) return { kind: "full" };
        for (const [address, count] of clears) words.fill(0, address / 4, Math.min(address / 4 + count, touched / 4));
        touched = Math.max(touched, bytes);
        for (const [from, to, count] of moves) words.copyWithin(to / 4, from / 4, from / 4 + count);
        for (const [address, data] of writes) (data instanceof Float32Array ? floats : words).set(data, address / 4);
        const ended = list === undefined ? undefined : await runList(list);
        if (ended !== undefined) return ended;
        const data = reads.map(([address, count, kind]) => {
          const [all, at] = [kind === "f32" ? floats : words, address / 4];
          // An observed step of a training gives hundreds of single numbers, and slices take several times as long.
          return count === 1 ? (all === floats ? Float32Array : Int32Array).of(all[at]) : all.slice(at, at + count);
        });
        return { kind: "done", data };
      };
    }
  `,
];

export const threadRuntime: Piece = {
  declares: [...Object.keys(numbers), "reserveMemory", "entryOf", "poison", "leadThreads"],
  code: threadParts,
};

/** What a worker does, as the text that it is made of: a part of the work of each run, or all that the host asks for. */
export const workerText: string = finishText(
  [
    ...threadParts,
    ...fragment`
      const port = typeof postMessage === "function" ? globalThis : require("node:worker_threads").parentPort;
      const listen = (on) => port === globalThis ? (port.onmessage = ({ data }) => on(data)) : port.on("message", on);

      /** Runs its part of each list that the first thread begins, until it is poisoned. */
      function follow({ module, memory, rank, ranks }) {
        const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports;
        port.postMessage({ ready: true });
        try {
          for (let entry = IDLE_AT; ;) {
            const outcome = run(entry, rank, ranks);
            if (outcome === POISONED) return;
            entry = outcome > POISONED ? entryOf(memory, rank) : IDLE_AT;
          }
        } catch (error) {
          port.postMessage({ trapped: String(error), at: entryOf(memory, rank) });
          poison(memory, 1 + rank);
        }
      }

      /** Locks a name for as long as this worker lives; where that is not allowed, it goes on without. */
      const holdLock = (name) =>
        new Promise((go) => {
          navigator.locks.request(name, () => new Promise(() => go())).catch(go);
        });

      let lead;
      listen(async (message) => {
        if (message.lock !== undefined) await holdLock(message.lock);
        if (lead !== undefined) port.postMessage({ outcome: await lead(message) });
        else if (message.rank > 0) follow(message);
        else {
          lead = leadThreads(message);
          port.postMessage({ ready: true });
        }
      });
    `,
  ].join("\n"),
  false,
);
