import type { EmittedTensors } from "../../emit/emitted.ts";
import type { Decoding } from "../../incremental/program.ts";
import { plural } from "../../support/text.ts";
import { SessionError } from "./error.ts";
import type { OpenParts } from "./model.ts";
import { Reader } from "./reader.ts";
import { selected, withCapacity } from "./state.ts";
import { TextSizes } from "./text.ts";

/** An AbortSignal, as far as a session asks it: programs without `dom` or @types/node have no such type. */
interface StopSignal {
  readonly throwIfAborted: () => void;
}

export interface SessionOptions {
  /** Texts that are read side by side. Default: 1. */
  readonly batch?: number;
  /** Positions that there is memory for. Default: 2048, or what the model takes. */
  readonly capacity?: number;
  /** The most positions of one run: longer texts are read in several. Default: 512. */
  readonly chunk?: number;
  /** What the model reads beside the text, once: what an encoder is given. */
  readonly inputs?: EmittedTensors;
  /** Looked at between two runs. */
  readonly signal?: StopSignal;
}

const DEFAULT_CAPACITY = 2048;
const DEFAULT_CHUNK = 512;

/** What a session knows, as `save` gives and `restore` takes it. */
export interface SavedSession {
  readonly length: number;
  readonly state: EmittedTensors;
}

/**
 * A text that a model reads a few positions at a time. Memory is made once, for `capacity` positions; what does not fit is
 * a SessionError before anything runs. One call at a time: a second one while another runs would mix two texts.
 */
export class Session {
  readonly #reader: Reader;
  readonly #chunk: number;
  #state: "open" | "running" | "disposed" = "open";

  private constructor(reader: Reader, chunk: number) {
    this.#reader = reader;
    this.#chunk = chunk;
  }

  /** A session of no positions yet; the model is made for it, and closed with it. */
  static async open(decoding: Decoding, open: OpenParts, options: SessionOptions = {}): Promise<Session> {
    const { batch = 1, chunk = DEFAULT_CHUNK, inputs = {} } = options;
    const most = decoding.limit ?? Infinity;
    const capacity = options.capacity ?? Math.min(DEFAULT_CAPACITY, most);
    requireWhole("capacity", capacity, most);
    requireWhole("chunk", chunk, Infinity);
    requireWhole("batch", batch, Infinity);
    const sizes = new TextSizes(decoding).ofStates(batch, capacity, inputs);
    const reader = await Reader.open(decoding, open, sizes);
    await reader.encode(inputs);
    return new Session(reader, chunk);
  }

  /** Positions that were read. */
  get length(): number {
    return this.#reader.length;
  }

  /** Positions that there is memory for; as many as one likes where no row is kept. */
  get capacity(): number {
    const { decoding, sizes } = this.#reader;
    return sizes[decoding.dims.capacity] ?? decoding.limit ?? Infinity;
  }

  /** Reads more of the text, by its inputs: outputs of the newest position, [B, 1, ..]. */
  append(inputs: EmittedTensors, { signal }: Pick<SessionOptions, "signal"> = {}): Promise<EmittedTensors> {
    return this.#exclusively(async () => {
      const count = this.#countOf(inputs);
      let outputs: EmittedTensors = {};
      for (let start = 0; start < count; start += this.#chunk) {
        signal?.throwIfAborted();
        const rows = Math.min(this.#chunk, count - start);
        outputs = await this.#reader.run("append", inputs, start, rows);
        if (rows > 1) await this.#reader.remember();
      }
      return outputs;
    });
  }

  /** The same, and the outputs of each new position, [B, n, ..]: one run, whatever `chunk` is. */
  appendAll(inputs: EmittedTensors): Promise<EmittedTensors> {
    return this.#exclusively(async () => {
      const count = this.#countOf(inputs);
      const outputs = await this.#reader.run("all", inputs, 0, count);
      if (count > 1) await this.#reader.remember();
      return outputs;
    });
  }

  /**
   * Forgets all positions but the first ones. Rows that are kept for each are only counted; what was carried on is taken
   * from the last copy before, and the rest read again.
   */
  truncate(length: number): Promise<void> {
    return this.#exclusively(async () => {
      if (!Number.isSafeInteger(length) || length < 0 || length > this.length)
        throw new SessionError(`a text of ${plural(this.length, "position")} has no beginning of ${length}`);
      await this.#reader.back(length);
    });
  }

  /** The texts of a batch that are chosen, in their order, as often as each is named: what beams need. */
  select(rows: readonly number[]): Promise<void> {
    return this.#exclusively(async () => {
      const { texts, sizes } = this.#reader;
      const count = texts.batch === undefined ? 1 : sizes[texts.batch]!;
      const isThere = (row: number): boolean => Number.isSafeInteger(row) && row >= 0 && row < count;
      if (texts.batch === undefined || rows.length === 0 || !rows.every(isThere))
        throw new SessionError(`a batch of ${count} has no texts ${rows.join(", ")}`);
      const state = selected(await this.#reader.readState(), texts.batchAxes, rows);
      await this.#reader.remake({ ...sizes, [texts.batch]: rows.length }, state);
      // Other texts from here on: what was read before is no longer that of each.
      await this.#reader.begin(this.length, state);
    });
  }

  /** Makes memory for more positions: all that is known is copied. */
  reserve(capacity: number): Promise<void> {
    return this.#exclusively(async () => {
      const { decoding, sizes } = this.#reader;
      requireWhole("capacity", capacity, decoding.limit ?? Infinity);
      const name = decoding.dims.capacity;
      if (sizes[name] === undefined || capacity <= this.capacity) return;
      const state = withCapacity(await this.#reader.readState(), decoding.states, capacity);
      await this.#reader.remake({ ...sizes, [name]: capacity }, state);
    });
  }

  /** Another session that goes on from here; it is disposed by itself. */
  fork(): Promise<Session> {
    return this.#exclusively(async () => new Session(await this.#reader.fork(), this.#chunk));
  }

  /** All that it holds, with no more rows than it has positions. */
  save(): Promise<SavedSession> {
    return this.#exclusively(async () => {
      const state = await this.#reader.readState();
      return { length: this.length, state: withCapacity(state, this.#reader.decoding.states, this.length) };
    });
  }

  /** Goes on where another session of this model was saved. */
  restore({ length, state }: SavedSession): Promise<void> {
    return this.#exclusively(async () => {
      if (length > this.capacity) throw this.#full(length - this.length);
      await this.#reader.begin(length, withCapacity(state, this.#reader.decoding.states, this.capacity));
    });
  }

  /** Gives its memory back; a session that is disposed does nothing more. */
  dispose(): void {
    if (this.#state === "running") throw new SessionError("it is disposed while an append is still running");
    if (this.#state === "open") this.#reader.close();
    this.#state = "disposed";
  }

  /** How many positions inputs add, for which there is room. */
  #countOf(inputs: EmittedTensors): number {
    const count = this.#reader.texts.countOf(inputs);
    if (count < 1) throw new SessionError("there is nothing to append");
    if (this.length + count > this.capacity) throw this.#full(count);
    return count;
  }

  #full(count: number): SessionError {
    const needed = this.length + count;
    const most = this.#reader.decoding.limit ?? Infinity;
    const help = needed > most ? `the model takes at most ${most}` : `\`reserve(${needed})\``;
    return new SessionError(
      `the session holds ${this.capacity} positions, ${this.length} are taken: ${count} more do not fit; ${help}`,
    );
  }

  async #exclusively<T>(work: () => Promise<T>): Promise<T> {
    if (this.#state === "disposed") throw new SessionError("it is disposed");
    if (this.#state === "running") throw new SessionError("an append is still running");
    this.#state = "running";
    try {
      return await work();
    } finally {
      this.#state = "open";
    }
  }
}

function requireWhole(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new SessionError(`\`${name}\` is a whole number of at least 1, got ${value}`);
  if (value > most)
    throw new SessionError(
      `\`${name}\` is at most ${most}, as many positions as the model takes, got ${value}`,
    );
}
