import { SessionError } from "./error.ts";
import type { SessionForm, StateSizes, StateTensors } from "./form.ts";
import { History } from "./history.ts";
import type { OpenParts, PartsModel } from "./model.ts";
import { carriedNames, pickStates } from "./state.ts";
import { cutInputs, positionsOf } from "./text.ts";

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

  /** Goes on from a state that begins with a text of such a length, whose tokens may be known. */
  async begin(
    length: number,
    state: StateTensors,
    { ids, begins }: { readonly ids?: number[] | undefined; readonly begins: readonly number[] | undefined },
  ): Promise<void> {
    await this.#model.writeState(state);
    this.length = length;
    this.ids = ids;
    this.begins = begins;
    this.#isMoved = begins !== undefined;
    this.#history?.begin(length, pickStates(state, this.#carried));
  }

  /** Makes the states in other sizes. */
  async remake(sizes: StateSizes, state: StateTensors): Promise<void> {
    const model = await this.#open(sizes);
    await model.writeState(state);
    this.#model.close();
    this.#model = model;
    this.#sizes = sizes;
  }

  /** Another one that has read the same. */
  async fork(): Promise<Reader> {
    const other = await Reader.open(this.form, this.#open, this.#sizes);
    await other.#model.writeState(await this.readState());
    other.length = this.length;
    other.ids = this.ids?.slice();
    other.begins = this.begins;
    other.#isMoved = this.#isMoved;
    other.#encoded = this.#encoded;
    other.#history = this.#history?.copy();
    return other;
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
  async run(
    part: "append" | "all",
    inputs: StateTensors,
    { start, count, all }: { readonly start: number; readonly count: number; readonly all: number },
  ): Promise<StateTensors> {
    const { form, length } = this;
    const rows = count === all ? inputs : cutInputs(form, inputs, start, count, length + count);
    const outputs = await this.#model.run(count === 1 ? "step" : part, rows, { [form.past]: length });
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
