import type { EmittedTensors, SaidDims } from "../../emit/emitted.ts";
import type { Decoding } from "../../incremental/program.ts";
import { plural } from "../../support/text.ts";
import { SessionError } from "./error.ts";
import { History } from "./history.ts";
import type { OpenParts, PartsModel } from "./model.ts";
import { carriedStates, isCarried } from "./state.ts";
import { TextSizes } from "./text.ts";

/** A model, how far it has read, and what going back needs: what a session guards. */
export class Reader {
  readonly decoding: Decoding;
  readonly texts: TextSizes;
  /** Positions that were read. */
  length = 0;
  readonly #open: OpenParts;
  /** Undefined where rows of positions are all that is kept: going back is to count fewer of them. */
  #history: History | undefined;
  #sizes: SaidDims;
  #model: PartsModel;

  private constructor(decoding: Decoding, open: OpenParts, model: PartsModel, sizes: SaidDims) {
    this.decoding = decoding;
    this.texts = new TextSizes(decoding);
    this.#open = open;
    this.#model = model;
    this.#sizes = sizes;
    this.#history = [...decoding.states.values()].some(isCarried) ? new History() : undefined;
  }

  static async open(decoding: Decoding, open: OpenParts, sizes: SaidDims): Promise<Reader> {
    return new Reader(decoding, open, await open(sizes), sizes);
  }

  /** The sizes that are fixed with the memory of the states. */
  get sizes(): SaidDims {
    return this.#sizes;
  }

  readState(): Promise<EmittedTensors> {
    return Promise.resolve(this.#model.readState());
  }

  /** Goes on from a state whose text is not known. */
  async begin(length: number, state: EmittedTensors): Promise<void> {
    await this.#model.writeState(state);
    this.length = length;
    this.#history?.begin(length, carriedStates(state, this.decoding.states));
  }

  /** Makes the model for other sizes of the state. */
  async remake(sizes: SaidDims, state: EmittedTensors): Promise<void> {
    const model = await this.#open(sizes);
    await model.writeState(state);
    this.#model.close();
    this.#model = model;
    this.#sizes = sizes;
  }

  /** Another one that has read the same. */
  async fork(): Promise<Reader> {
    const other = await Reader.open(this.decoding, this.#open, this.#sizes);
    await other.#model.writeState(await this.readState());
    other.length = this.length;
    other.#history = this.#history?.copy();
    return other;
  }

  async encode(inputs: EmittedTensors): Promise<void> {
    if (this.decoding.program.parts["encode"] !== undefined) await this.#model.run("encode", inputs, {});
  }

  /** Some positions of inputs in one run. */
  async run(
    part: "append" | "all",
    inputs: EmittedTensors,
    start: number,
    count: number,
  ): Promise<EmittedTensors> {
    const rows = this.texts.cut(inputs, start, count, this.length + count);
    const past = { [this.decoding.dims.past]: this.length };
    const outputs = await this.#model.run(count === 1 ? "step" : part, rows, past);
    this.#history?.add(rows, this.length, count);
    this.length += count;
    return outputs;
  }

  /** Copies what is carried on, for going back to here; what is read after the last copy is read again. */
  async remember(): Promise<void> {
    this.#history?.snap(this.length, carriedStates(await this.readState(), this.decoding.states));
  }

  /** Forgets all positions from a length on. */
  async back(length: number): Promise<void> {
    if (this.#history === undefined) this.length = length;
    else if (length < this.length) await this.#readAgain(this.#history, length);
  }

  /** From the last copy of what is carried on before a length, or from the beginning, reads what there is up to it. */
  async #readAgain(history: History, length: number): Promise<void> {
    const way = history.back(length);
    if (way === undefined)
      throw new SessionError(`what was carried on at ${plural(length, "position")} is no longer known`);
    const begun = way.snapshot?.state ?? (await this.#begunState());
    await this.#model.writeState({ ...(await this.readState()), ...begun });
    this.length = way.snapshot?.length ?? 0;
    for (const { inputs, start, rows } of way.rest) await this.run("append", inputs, start, rows);
  }

  /** What is carried on before the first position. */
  async #begunState(): Promise<EmittedTensors> {
    const model = await this.#open(this.#sizes);
    const state = carriedStates(await model.readState(), this.decoding.states);
    model.close();
    return state;
  }

  close(): void {
    this.#model.close();
  }
}
