import type { StateTensors } from "./form.ts";

/** What was carried on where a text had so many positions. */
interface Snapshot {
  readonly length: number;
  readonly state: StateTensors;
}

/** The inputs of one run, and the position that they began at. */
interface Read {
  readonly inputs: StateTensors;
  readonly start: number;
  readonly count: number;
}

/** Where to go on from to have a shorter text: a copy of what was carried on, or the beginning, and what to read from there. */
interface Return {
  readonly snapshot: Snapshot | undefined;
  readonly rest: readonly {
    readonly inputs: StateTensors;
    readonly start: number;
    readonly rows: number;
  }[];
}

/** Copies of what is carried on that are kept, the newest ones. */
const SNAPSHOTS = 8;

/** What a session has read, and copies of what was carried on: how it goes back where rows of positions are not all it keeps. */
export class History {
  #reads: Read[] = [];
  #snapshots: Snapshot[] = [];

  add(inputs: StateTensors, start: number, count: number): void {
    this.#reads.push({ inputs, start, count });
  }

  snap(length: number, state: StateTensors): void {
    this.#snapshots = [...this.#snapshots, { length, state }].slice(-SNAPSHOTS);
  }

  /** Goes on from a state whose text is not known. */
  begin(length: number, state: StateTensors): void {
    this.#reads = [];
    this.#snapshots = [{ length, state }];
  }

  /** Forgets all behind the last copy before a length; undefined if the text from there is not known. */
  back(length: number): Return | undefined {
    const snapshots = this.#snapshots.filter((each) => each.length <= length);
    const snapshot = snapshots.at(-1);
    const from = snapshot?.length ?? 0;
    const rest = this.#reads
      .filter(({ start, count }) => start + count > from && start < length)
      .map(({ inputs, start, count }) => {
        const first = Math.max(from, start);
        return { inputs, start: first - start, rows: Math.min(length, start + count) - first };
      });
    if (rest.reduce((sum, { rows }) => sum + rows, from) !== length) return undefined;
    this.#snapshots = snapshots;
    this.#reads = this.#reads
      .filter(({ start }) => start < from)
      .map((read) => ({ ...read, count: Math.min(read.count, from - read.start) }));
    return { snapshot, rest };
  }

  copy(): History {
    const copy = new History();
    copy.#reads = [...this.#reads];
    copy.#snapshots = [...this.#snapshots];
    return copy;
  }
}
