import { SessionError } from "./error.ts";
import type { SessionForm, StateTensors } from "./form.ts";
import type { OpenParts } from "./model.ts";
import { topQuestion, type SessionPicks } from "./picks.ts";
import { Reader, type Range } from "./reader.ts";
import type { StopSignal } from "./signal.ts";
import { readSaved, savedBytes } from "./save.ts";
import { rowsOfCapacity, takenStates } from "./state.ts";
import { largestNumber, positionsOf, stateSizes, textInputs, type TokenIds } from "./text.ts";

export type { StopSignal } from "./signal.ts";

export interface SessionOptions {
  /** Texts that are read side by side. Default: 1. */
  readonly batch?: number;
  /** Positions that there is memory for. Default: 2048, or what the model takes. */
  readonly capacity?: number;
  /** The most positions of one run: longer texts are read in several. Default: 512. */
  readonly chunk?: number;
  /**
   * Whether copies are kept, after runs of several positions, of what models carry on that is no rows of positions (windows,
   * recurrent states), so that going back reads little again. Default: true. False saves their memory: going back reads the text anew.
   */
  readonly snapshots?: boolean;
  /** What the model reads beside the text, once: what an encoder is given. */
  readonly inputs?: object;
}

/** Positions that there is memory for where nobody says. */
export const DEFAULT_CAPACITY = 2048;
const DEFAULT_CHUNK = 512;

/**
 * A text that a model reads a few positions at a time. Memory is made once, for `capacity` positions; what does not fit is
 * a SessionError before anything runs. One call at a time: a second one while another runs would mix two texts.
 */
export class Session<Inputs extends object = object, Outputs extends object = object> {
  readonly #reader: Reader;
  readonly #chunk: number;
  readonly #snapshots: boolean;
  #state: "open" | "running" | "disposed" = "open";

  constructor(reader: Reader, chunk: number, snapshots = true) {
    this.#reader = reader;
    this.#chunk = chunk;
    this.#snapshots = snapshots;
  }

  /** A session of no positions yet. */
  static async open<Inputs extends object, Outputs extends object>(
    form: SessionForm,
    open: OpenParts,
    options: SessionOptions = {},
  ): Promise<Session<Inputs, Outputs>> {
    const { batch = 1, chunk = DEFAULT_CHUNK, snapshots } = options;
    const inputs = (options.inputs ?? {}) as StateTensors;
    const most = form.limit ?? Infinity;
    const capacity = options.capacity ?? Math.min(DEFAULT_CAPACITY, most);
    requireWhole("capacity", capacity, most);
    requireWhole("chunk", chunk, Infinity);
    requireWhole("batch", batch, Infinity);
    const reader = await Reader.open(form, open, stateSizes(form, batch, capacity, inputs));
    await reader.encode(inputs);
    return new Session(reader, chunk, snapshots);
  }

  /** A session that goes on where one of this model was saved, with memory for at least as many positions as it had read. */
  static async restore<Inputs extends object, Outputs extends object>(
    form: SessionForm,
    open: OpenParts,
    bytes: Uint8Array,
    options: Pick<SessionOptions, "capacity" | "chunk"> = {},
  ): Promise<Session<Inputs, Outputs>> {
    const { length, ids, begins, state } = readSaved(bytes, form.hash);
    const { chunk = DEFAULT_CHUNK } = options;
    const most = form.limit ?? Infinity;
    const capacity = options.capacity ?? Math.min(most, Math.max(DEFAULT_CAPACITY, length));
    requireWhole("capacity", capacity, most);
    requireWhole("chunk", chunk, Infinity);
    if (length > capacity)
      throw new SessionError(`it was saved with ${length} positions, more than a capacity of ${capacity}`);
    const sizes: Record<string, number> = form.batch === undefined ? {} : { [form.batch]: 1 };
    for (const { name, axes } of form.states)
      for (const [axis, key] of axes.entries())
        if (form.fixed.includes(key)) sizes[key] = state[name]!.shape[axis]!;
    if (form.fixed.includes(form.capacity)) sizes[form.capacity] = capacity;
    const reader = await Reader.open(form, open, sizes);
    const room = takenStates(state, form.states, rowsOfCapacity(capacity, length));
    await reader.begin(length, room, { ids: ids?.slice(), begins });
    return new Session(reader, chunk);
  }

  /** Positions that were read. */
  get length(): number {
    return this.#reader.length;
  }

  /** Positions that there is memory for; as many as one likes where no row is kept. */
  get capacity(): number {
    const { form, sizes } = this.#reader;
    return sizes[form.capacity] ?? form.limit ?? Infinity;
  }

  /** Texts that are read side by side. */
  get batch(): number {
    return this.#reader.batch;
  }

  /** What is known of the program. */
  get form(): SessionForm {
    return this.#reader.form;
  }

  /** The tokens that were read, if the text is nothing else; undefined of a batch, and of texts that are no tokens. */
  get tokens(): readonly number[] | undefined {
    return this.#reader.ids;
  }

  /**
   * Reads more of the text: its token ids, or its inputs by name. Gives the outputs of the newest position, [B, 1, ..]. The
   * first time the texts of a batch may have different lengths, if the program was derived for it: they end together.
   * Between two runs, of `chunk` positions each, the signal is looked at; what was read until then stays read.
   */
  append(
    given: TokenIds | Inputs,
    { signal }: { readonly signal?: StopSignal | undefined } = {},
  ): Promise<Outputs> {
    return this.#exclusively(async () => {
      const inputs = await this.#begun(given);
      const run = (range: Range): Promise<StateTensors> => this.#reader.run("append", inputs, range);
      return (await this.#inChunks(inputs, signal, run)) as Outputs;
    });
  }

  /** What tells of logits where they lie, if the model has it and this is one text of tokens. */
  get picks(): SessionPicks | undefined {
    if (this.#reader.picks === undefined) return undefined;
    const { size } = this.form.picks!;
    const read = <T>(
      tokens: readonly number[],
      signal: StopSignal | undefined,
      run: (inputs: StateTensors, range: Range) => Promise<T>,
    ): Promise<T> =>
      this.#exclusively(async () => {
        const inputs = await this.#begun(tokens);
        return this.#inChunks(inputs, signal, (range) => run(inputs, range));
      });
    return {
      best: (tokens, { signal, more = 0 } = {}) =>
        read(tokens, signal, (inputs, range) => {
          const isLast = range.start + range.count === range.all;
          return this.#reader.best(inputs, range, isLast ? more : 0);
        }),
      top: (tokens, { temperature, asked }, signal) => {
        const { inputs, read: readTop } = topQuestion(size, temperature, asked);
        return read(tokens, signal, async (rows, range) =>
          readTop(await this.#reader.pick(rows, range, { part: "top", inputs })),
        );
      },
      logits: () => this.#exclusively(async () => (await this.#reader.picks!.logits()).data),
    };
  }

  /** The same, and the outputs of each new position, [B, n, ..]: one run, whatever `chunk` is. */
  appendAll(given: TokenIds | Inputs): Promise<Outputs> {
    return this.#exclusively(async () => {
      const inputs = await this.#begun(given);
      const count = this.#countOf(inputs);
      const outputs = await this.#reader.run("all", inputs, { start: 0, count, all: count });
      await this.#remember(count);
      return outputs as Outputs;
    });
  }

  /**
   * Forgets all positions but the first ones. Rows that are kept for each are only counted; what was carried on is taken
   * from the last copy before, and the rest read again.
   */
  truncate(length: number): Promise<void> {
    return this.#exclusively(async () => {
      if (!Number.isSafeInteger(length) || length < 0 || length > this.length)
        throw new SessionError(`a text of ${positions(this.length)} has no beginning of ${length}`);
      const latest = largestNumber(this.#reader.begins ?? []);
      if (length > 0 && length < latest)
        throw new SessionError(
          `a text of the batch begins at ${latest}: ${positions(length)} have none of it`,
        );
      await this.#reader.back(length);
    });
  }

  /** The texts of a batch that are chosen, in their order, as often as each is named: what beams need. */
  select(rows: readonly number[]): Promise<void> {
    return this.#exclusively(async () => {
      const { form, batch } = this.#reader;
      const isThere = (row: number): boolean => Number.isSafeInteger(row) && row >= 0 && row < batch;
      if (form.batch === undefined || rows.length === 0 || !rows.every(isThere))
        throw new SessionError(`a batch of ${batch} has no texts ${rows.join(", ")}`);
      await this.#reader.select(rows);
    });
  }

  /** Makes memory for more positions: all that is known is copied. */
  reserve(capacity: number): Promise<void> {
    return this.#exclusively(async () => {
      const { form, sizes } = this.#reader;
      requireWhole("capacity", capacity, form.limit ?? Infinity);
      if (sizes[form.capacity] === undefined || capacity <= this.capacity) return;
      await this.#reader.reserve(capacity);
    });
  }

  /** Another session that goes on from here; it is disposed by itself. */
  fork(): Promise<Session<Inputs, Outputs>> {
    return this.#exclusively(
      async () => new Session<Inputs, Outputs>(await this.#reader.fork(), this.#chunk, this.#snapshots),
    );
  }

  /** All that it knows as bytes, with no more rows than it has positions: `restore` of the same model takes them. */
  save(): Promise<Uint8Array> {
    return this.#exclusively(async () => {
      const { form, length, ids, begins } = this.#reader;
      const state = takenStates(await this.#reader.readState(), form.states, rowsOfCapacity(length, length));
      return savedBytes({ length, ids, begins, state }, form.hash);
    });
  }

  /** Gives its memory back; a session that is disposed does nothing more. */
  dispose(): void {
    if (this.#state === "running") throw new SessionError("it is disposed while an append is still running");
    if (this.#state === "open") this.#reader.close();
    this.#state = "disposed";
  }

  /** The inputs that go on with the texts, or begin them: each where it is as long as it is. */
  async #begun(given: object): Promise<StateTensors> {
    const { inputs, begins } = textInputs(this.form, given);
    const lengths = (): string => (given as readonly ArrayLike<number>[]).map((row) => row.length).join(", ");
    if (begins !== undefined && this.form.begins === undefined)
      throw new SessionError(
        `the texts of a batch grow by as many tokens each, got ${lengths()}; a program that was derived as \`ragged\` begins with any`,
      );
    if (begins !== undefined && this.length > 0)
      throw new SessionError(`texts that have begun grow by as many tokens each, got ${lengths()}`);
    if (begins !== undefined && largestNumber(begins) >= positionsOf(this.form, inputs))
      throw new SessionError("a text of the batch has no tokens");
    if (this.length === 0) {
      // There is room for them, or nothing is changed.
      this.#countOf(inputs);
      await this.#reader.beginAt(begins);
    }
    return inputs;
  }

  /** Runs all positions of inputs, some at a time; what the last run gives. */
  async #inChunks<T>(
    inputs: StateTensors,
    signal: StopSignal | undefined,
    run: (range: Range) => Promise<T>,
  ): Promise<T> {
    const all = this.#countOf(inputs);
    for (let start = 0; ; start += this.#chunk) {
      signal?.throwIfAborted();
      const count = Math.min(this.#chunk, all - start);
      const found = await run({ start, count, all });
      await this.#remember(count);
      if (start + count === all) return found;
    }
  }

  /** Copies what is carried on after a run of so many positions. */
  async #remember(count: number): Promise<void> {
    if (count > 1 && this.#snapshots) await this.#reader.remember();
  }

  /** How many positions inputs add, for which there is room. */
  #countOf(inputs: StateTensors): number {
    const count = positionsOf(this.form, inputs);
    if (count < 1) throw new SessionError("there is nothing to append");
    if (this.length + count > this.capacity) throw this.#full(count);
    return count;
  }

  #full(count: number): SessionError {
    const needed = this.length + count;
    const most = this.form.limit ?? Infinity;
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

const positions = (count: number): string => `${count} ${count === 1 ? "position" : "positions"}`;

function requireWhole(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new SessionError(`\`${name}\` is a whole number of at least 1, got ${value}`);
  if (value > most)
    throw new SessionError(
      `\`${name}\` is at most ${most}, as many positions as the model takes, got ${value}`,
    );
}
