import type { Piece } from "../../module/piece.ts";
import { fragment } from "../../module/text.ts";
import { ENTRY_BYTES, entries, stops } from "../map.ts";
import { constants } from "./constants.ts";

/** The types of what lists calls. */
export const listTypes: Piece = {
  declares: ["Place", "Places", "Kernel", "List", "Listed", "RunPlaces", "LoadingList"],
  code: fragment`
  /** Gives so many words of memory a place: its address in bytes. */
  type Place = (words: number) => number;

  /** What lasts as long as a model, by name. */
  type Places = Readonly<Record<string, number>>;

  /** Where its phases stand in the table of functions. */
  interface Kernel {
    readonly name: string;
    readonly first: number;
    readonly phases: number;
  }

  /** What takes down the calls of a run. */
  interface List {
    readonly ranks: number;
    readonly place: Place;
    /** A kernel on its record: addresses, sizes and numbers, a word each. */
    readonly call: (kernel: Kernel, ...record: number[]) => void;
    /** All threads have done what comes before when one does what comes next. */
    readonly meet: () => void;
    /** From here on the state changes: nobody's signal ends the run any more. */
    readonly settle: () => void;
  }

  /** A list with its calls, as it goes into memory. */
  interface Listed {
    readonly at: number;
    readonly words: Int32Array;
    /** The bytes of memory that it all takes. */
    readonly end: number;
    /** What stands at an address of the list: the number of the step, and its kernel. */
    readonly stepAt: (address: number) => string;
  }

  /** The addresses of inputs, and outputs where they lie, in their order. */
  interface RunPlaces {
    readonly inputs: readonly number[];
    readonly outputs: Job["reads"];
  }

  /** The same for what makes the memory of a model. */
  interface LoadingList extends List {
    /** Does what was listed, then brings a tensor to its place, or elements of it from one up to another. */
    readonly load: (name: string, address: number, first?: number, end?: number) => Promise<void>;
    readonly put: (address: number, data: Float32Array | Int32Array) => void;
  }
`,
};

export const listRuntime: Piece = {
  declares: ["LAST", "REFUSED", "ABORTED", "ENTRY_BYTES", ...["wholeLines", "placesFrom", "emptyList"]],
  code: [
    ...constants({ LAST: entries.LAST, REFUSED: stops.refused, ABORTED: stops.aborted }),
    `const ENTRY_BYTES = ${ENTRY_BYTES};`,
    "",
    ...fragment`
    /** Whole lines of a core's cache, so that no two threads write to one for different tensors. */
    const wholeLines = (bytes«: number»)«: number» => 64 * Math.ceil(bytes / 64);

    /** Gives places one after the other. */
    function placesFrom(first«: number») {
      let end = wholeLines(first);
      const place = (words«: number»)«: number» => {
        const address = end;
        end += wholeLines(4 * words);
        return address;
      };
      return { place, end: () => end };
    }

    /** An empty list, for so many threads; its memory begins at an address. */
    function emptyList(from«: number», ranks«: number») {
      const { place, end } = placesFrom(from);
      const entries«: number[]» = [];
      const records«: number[]» = [];
      const names«: string[]» = [];
      let heeded = REFUSED | ABORTED;
      let steps = 0;
      const add = (what«: number», word«: number», name«: string»)«: void» => {
        entries.push(what, word);
        names.push(name);
      };
      const meet = ()«: void» => add(MEET, heeded, "a meeting of threads");
      const call = (kernel«: Kernel», ...record«: number[]»)«: void» => {
        steps++;
        for (let phase = 0; phase < kernel.phases; phase++) {
          if (phase > 0) meet();
          add(kernel.first + phase, records.length, "step " + steps + ", " + kernel.name);
        }
        for (const word of record) records.push(word);
      };
      const settle = ()«: void» => {
        heeded = REFUSED;
      };
      meet();
      const finish = ()«: Listed» => {
        add(LAST, REFUSED, "the end");
        const words = new Int32Array(entries.length + records.length);
        const at = place(words.length);
        words.set(entries);
        words.set(records, entries.length);
        for (let i = 0; i < entries.length; i += 2)
          if (entries[i] >= 0) words[i + 1] = at + 4 * (entries.length + entries[i + 1]);
        return { at, words, end: end(), stepAt: (address) => names[(address - at) / ENTRY_BYTES] ?? "the start" };
      };
      return { ranks, place, call, meet, settle, finish, isEmpty: () => steps === 0 };
    }
  `,
  ],
};
