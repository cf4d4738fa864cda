import { SessionError } from "./error.ts";
import type { SessionForm, StateSizes, StateTensors } from "./form.ts";
import { History } from "./history.ts";
import type { LogitsPick, OpenParts, PartsModel, PickingModel } from "./model.ts";
import {
  carriedNames,
  movesOf,
  pickStates,
  rowsOfBatch,
  rowsOfCapacity,
  takenStates,
  type TakingOf,
} from "./state.ts";
import { cutInputs, positionsOf } from "./text.ts";

/** Steps that are begun before somebody asks: as many as hide the time in which a token is copied. */
const STEPS_AHEAD = 3;

/** Some positions of inputs, of which there are so many. */
export interface Range {
  readonly start: number;
  readonly count: number;
  readonly all: number;
}

/** A model, how far it has read, and what going back needs: what a session guards. */
export class Reader {
  readonly form: SessionForm;
  /** Positions that were read. */
  length = 0;
  /** The tokens that were read, of one text that is nothing else; undefined of others, and where they are not known. */
  ids: number[] | undefined;
  /** Where each text of the batch begins; undefined if all begin at the first position. */
  begins: readonly number[] | undefined;
  /** What the model reads beside the text; undefined where it was read by another session. */
  #encoded: StateTensors | undefined;
  /** Whether texts begin elsewhere than where they were opened. */
  #isMoved = false;
  readonly #open: OpenParts;
  readonly #carried: readonly string[];
  /** Undefined where rows of positions are all that is kept: going back is to count fewer of them. */
  #history: History | undefined;
  #sizes: StateSizes;
  #model: PartsModel;
  /** Steps after the newest token, each on what the one before found, which were begun before anybody asked. */
  #begun: Promise<StateTensors>[] = [];
  /** The token that the first of them is on. */
  #found: number | undefined;

  constructor(form: SessionForm, open: OpenParts, model: PartsModel, sizes: StateSizes) {
    this.form = form;
    this.#open = open;
    this.#model = model;
    this.#sizes = sizes;
    this.#carried = carriedNames(form.states);
    this.#history = this.#carried.length > 0 ? new History() : undefined;
    this.ids = form.tokens !== undefined && this.batch === 1 ? [] : undefined;
  }

  static async open(form: SessionForm, open: OpenParts, sizes: StateSizes): Promise<Reader> {
    return new Reader(form, open, await open(sizes), sizes);
  }

  /** The sizes that are fixed with the memory of the states. */
  get sizes(): StateSizes {
    return this.#sizes;
  }

  get batch(): number {
    return this.form.batch === undefined ? 1 : this.#sizes[this.form.batch]!;
  }

  readState(): Promise<StateTensors> {
    return Promise.resolve(this.#model.readState());
  }

  /** What tells of logits where they lie, of one text. */
  get picks(): PickingModel | undefined {
    return this.batch === 1 && this.form.tokens !== undefined ? this.#model.picks : undefined;
  }

  /** Goes on from a state that begins with a text of such a length, whose tokens may be known. */
  async begin(
    length: number,
    state: StateTensors,
    { ids, begins }: { readonly ids?: number[] | undefined; readonly begins: readonly number[] | undefined },
  ): Promise<void> {
    this.#begun = [];
    await this.#model.writeState(state);
    this.length = length;
    this.ids = ids;
    this.begins = begins;
    this.#isMoved = begins !== undefined;
    this.#history?.begin(length, pickStates(state, this.#carried));
  }

  /** Makes room for as many positions. */
  async reserve(capacity: number): Promise<void> {
    const sizes = { ...this.#sizes, [this.form.capacity]: capacity };
    await this.#goOn(sizes, rowsOfCapacity(capacity, this.length));
  }

  /** Goes on with texts of the batch, as often as each is named. */
  async select(rows: readonly number[]): Promise<void> {
    await this.#goOn({ ...this.#sizes, [this.form.batch!]: rows.length }, rowsOfBatch(rows));
    // Other texts from here on: what was read before is no longer that of each.
    this.ids = undefined;
    const { begins } = this;
    this.begins = begins && rows.map((row) => begins[row]!);
    this.#isMoved = begins !== undefined;
    this.#history?.begin(this.length, await this.#model.readState(this.#carried));
  }

  /** Another one that has read the same. */
  async fork(): Promise<Reader> {
    const capacity = this.#sizes[this.form.capacity] ?? 0;
    const model = await this.#opened(this.#sizes, rowsOfCapacity(capacity, this.length));
    const other = new Reader(this.form, this.#open, model, this.#sizes);
    other.length = this.length;
    other.ids = this.ids?.slice();
    other.begins = this.begins;
    other.#isMoved = this.#isMoved;
    other.#encoded = this.#encoded;
    other.#history = this.#history?.copy();
    return other;
  }

  async #goOn(sizes: StateSizes, takingOf: TakingOf): Promise<void> {
    const model = await this.#opened(sizes, takingOf);
    this.#model.close();
    this.#model = model;
    this.#sizes = sizes;
    this.#begun = [];
  }

  /** States of such sizes that take what there is. */
  async #opened(sizes: StateSizes, takingOf: TakingOf): Promise<PartsModel> {
    const { states } = this.form;
    const [from, to] = [this.#model, await this.#open(sizes)];
    if (from.memory === undefined || to.memory === undefined)
      await to.writeState(takenStates(await this.readState(), states, takingOf));
    else {
      const { shapes } = from.memory;
      await to.memory.take(
        from,
        states.flatMap((form) => movesOf(form.name, shapes[form.name]!, takingOf(form))),
      );
    }
    return to;
  }

  /** Reads what the text is about, and where the texts of the batch begin. */
  async encode(inputs: StateTensors): Promise<void> {
    this.#encoded = inputs;
    const { begins } = this.form;
    const given = begins === undefined ? undefined : inputs[begins];
    await this.#encode(given && Array.from(given.data));
  }

  /** Makes texts that have no positions yet begin at these; as they were opened if left off. */
  async beginAt(places: readonly number[] | undefined): Promise<void> {
    if (places === undefined && !this.#isMoved) return;
    if (this.#encoded === undefined)
      throw new SessionError("it is known no more what its texts began with: open a session for others");
    if (places === undefined) await this.encode(this.#encoded);
    else await this.#encode(places);
    this.#isMoved = places !== undefined;
  }

  async #encode(places: readonly number[] | undefined): Promise<void> {
    const { begins, context } = this.form;
    this.begins = places;
    if (context === undefined) return;
    const isTold = context.some(({ name }) => name === begins);
    const data = places ?? new Array<number>(this.batch).fill(0);
    const told = isTold ? { [begins!]: { data, shape: [data.length] } } : {};
    await this.#model.run("encode", { ...this.#encoded, ...told }, {});
  }

  /** Some positions of inputs, of which there are so many, in one run. */
  run(part: "append" | "all", inputs: StateTensors, range: Range): Promise<StateTensors> {
    return this.#read(inputs, range, (rows, sizes) =>
      this.#model.run(range.count === 1 ? "step" : part, rows, sizes),
    );
  }

  /** The same, of whose logits only what tells of them comes back. */
  pick(inputs: StateTensors, range: Range, pick: LogitsPick): Promise<StateTensors> {
    return this.#read(inputs, range, (rows, sizes) =>
      this.picks!.run(range.count === 1 ? "step" : "append", rows, sizes, pick),
    );
  }

  /**
   * The likeliest token after these. So many more may be asked for: some steps on what is found are begun at once, so that
   * none waits until a token was copied and copied back. Those that nobody asks for leave rows behind the text, which are
   * written over; where more than rows is kept there are none.
   */
  async best(inputs: StateTensors, range: Range, more: number): Promise<number> {
    const isFound = range.count === 1 && inputs[this.form.tokens!]!.data[range.start] === this.#found;
    const begun = isFound ? this.#begun : [];
    const outputs = this.#read(inputs, range, (rows, sizes) =>
      begun.length > 0
        ? begun[0]!
        : this.picks!.run(range.count === 1 ? "step" : "append", rows, sizes, { part: "best", inputs: {} }),
    );
    const ahead = begun.slice(1);
    const length = this.length + range.count;
    const room = (this.#sizes[this.form.capacity] ?? this.form.limit ?? Infinity) - length;
    const most = this.#history === undefined ? Math.min(STEPS_AHEAD, more, room) : 0;
    while (ahead.length < most) {
      const step = this.picks!.follow({ [this.form.past]: length + ahead.length });
      // Whoever asks for it hears of it.
      step.catch(() => undefined);
      ahead.push(step);
    }
    const { id } = await outputs;
    this.#found = id!.data[0]!;
    this.#begun = ahead;
    return this.#found;
  }

  async #read(
    inputs: StateTensors,
    { start, count, all }: Range,
    run: (rows: StateTensors, sizes: StateSizes) => StateTensors | Promise<StateTensors>,
  ): Promise<StateTensors> {
    const { form, length } = this;
    this.#begun = [];
    const rows = count === all ? inputs : cutInputs(form, inputs, start, count, length + count);
    const outputs = await run(rows, { [form.past]: length });
    this.#history?.add(rows, length, count);
    this.length += count;
    if (this.ids !== undefined) for (const id of Array.from(rows[form.tokens!]!.data)) this.ids.push(id);
    return outputs;
  }

  /** Copies what is carried on, for going back to here; what is read after the last copy is read again. */
  async remember(): Promise<void> {
    this.#history?.snap(this.length, await this.#model.readState(this.#carried));
  }

  /** Forgets all positions from a length on. */
  async back(length: number): Promise<void> {
    this.#begun = [];
    const ids = this.ids?.slice(0, length);
    if (this.#history === undefined) this.length = length;
    else if (length < this.length) await this.#readAgain(this.#history, length);
    this.ids = ids;
  }

  /** From the last copy of what is carried on before a length, or from the beginning, reads what there is up to it. */
  async #readAgain(history: History, length: number): Promise<void> {
    const way = history.back(length);
    if (way === undefined)
      throw new SessionError(`what was carried on at a length of ${length} is no longer known`);
    await this.#model.writeState(way.snapshot?.state ?? (await this.#begunState()));
    this.length = way.snapshot?.length ?? 0;
    for (const { inputs, start, rows } of way.rest)
      await this.run("append", inputs, { start, count: rows, all: positionsOf(this.form, inputs) });
  }

  /** What is carried on before the first position. */
  async #begunState(): Promise<StateTensors> {
    const model = await this.#open(this.#sizes);
    const state = await model.readState(this.#carried);
    model.close();
    return state;
  }

  close(): void {
    this.#model.close();
  }
}
