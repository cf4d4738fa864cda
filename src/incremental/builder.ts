import type { Input, State, Value } from "../ir/graph.ts";
import { makeValue } from "../ir/node.ts";
import { addDims, dim, sameDim, subtractDims, symbolsOf, type Dim } from "../tensor/dim.ts";
import type { Shape, TensorType } from "../tensor/type.ts";
import { Emitter } from "./emitter.ts";
import type { Letter, Sizes } from "./letters.ts";
import { Refusal } from "./refusal.ts";
import type { StateNames, StateRole } from "./states.ts";
import type { Tail } from "./tails.ts";

/** A state of the graph that is derived. */
interface KeptState {
  readonly name: string;
  readonly value: Value;
  readonly next: Value;
  readonly initial: number;
}

/** The derived graph while it is made: nodes, in order, and states. */
export class Builder extends Emitter {
  readonly inputs: Input[] = [];
  readonly sizes: Sizes;
  readonly #names: StateNames;
  readonly #states: KeptState[] = [];
  readonly #carried = new Map<Tail, Value>();

  constructor(sizes: Sizes, names: StateNames) {
    super();
    this.sizes = sizes;
    this.#names = names;
  }

  get states(): State[] {
    return this.#states.map(({ name, value, next, initial }) => ({
      name,
      value,
      next,
      kind: "kept",
      init: { kind: "constant", value: initial },
      span: this.#names.of(name),
    }));
  }

  /** An input with the rows of this run. */
  input(of: Input, shape: Shape): Value {
    const value = makeValue({ ...of.value.type, shape }, of.value.hint);
    if (this.inputs.some(({ name }) => name === of.name)) throw new Refusal("pairs", undefined);
    this.inputs.push({ ...of, value });
    return value;
  }

  /** i32[1]: how many positions the runs before had. */
  past(): Value {
    return this.emit("iota", {}, { size: dim(1), start: this.sizes.past });
  }

  /** bool[1]: whether there was no run before. */
  isFirst(): Value {
    return this.emit("eq", { x: this.past(), y: this.number(0, "i32") }, {});
  }

  /** The rows of a letter of a value that has all rows of an axis, so many of them with a lead. */
  cut(x: Value, axis: number, letter: Letter, size: Dim): Value {
    const start = this.sizes.firstOf(letter);
    return sameDim(size, x.type.shape[axis]) ? x : this.emit("slice", { x }, { axis, start, size });
  }

  /** i32[rows]: the indices of the rows of a letter, `lead` of which stand in front of the text. */
  positions(letter: Letter, lead: number): Value {
    const size = this.sizes.sizeOf({ kind: "rows", lead, trail: 0 }, letter);
    return this.emit("iota", {}, { size, start: this.sizes.firstOf(letter) });
  }

  /** The newest rows of a value that has the new ones, and as many more as its lead. */
  newest(rows: Value, axis: number, lead: number): Value {
    const start = subtractDims(this.sizes.added, dim(1));
    return this.emit("slice", { x: rows }, { axis, start, size: dim(1 + lead) });
  }

  /** A new state for a value of the model; `next` says what it is when the run has ended. */
  keep(of: Value, role: StateRole, type: TensorType, initial: number, next: (now: Value) => Value): Value {
    const { added, past } = this.sizes;
    const moving = new Set([...symbolsOf(added), ...symbolsOf(past)]);
    if (type.shape.some((size) => [...symbolsOf(size)].some((name) => moving.has(name))))
      throw new Refusal("grows", this.#names.producerOf(of));
    const name = this.#names.nameOf(of, role);
    const value = makeValue(type);
    this.#states.push({ name, value, next: next(value), initial });
    return value;
  }

  /** A state that this part only reads: what `encode` made of the context. */
  context(of: Value): Value {
    return this.keep(of, { kind: "context" }, of.type, 0, (now) => now);
  }

  /** All rows so far of a value, `lead` of them in front of the text: the new ones are written beside the others. */
  cached(
    of: Value,
    axis: number,
    lead: number,
    written: { readonly rows: Value; readonly start: Dim; readonly initial: number },
  ): Value {
    const { capacity, length } = this.sizes;
    const { rows, start, initial } = written;
    const type = { ...rows.type, shape: rows.type.shape.with(axis, addDims(capacity, dim(lead))) };
    let all: Value | undefined;
    this.keep(
      of,
      { kind: "rows", axis, lead },
      type,
      initial,
      (now) => (all = this.emit("write", { x: now, part: rows }, { axis, start })),
    );
    return this.emit("slice", { x: all! }, { axis, start: dim(0), size: addDims(length, dim(lead)) });
  }

  /** So many rows of a value before the new ones, and these, of which there are a lead more. */
  withTail(tail: Tail, rows: Value, before: number): Value {
    const { axis } = tail;
    const all = this.#carried.get(tail) ?? this.#carry(tail, rows);
    if (before === tail.rows) return all;
    const size = addDims(rows.type.shape[axis]!, dim(before));
    return this.emit("slice", { x: all }, { axis, start: dim(tail.rows - before), size });
  }

  #carry(tail: Tail, rows: Value): Value {
    const { axis, value: of, padding } = tail;
    const type = { ...rows.type, shape: rows.type.shape.with(axis, dim(tail.rows)) };
    let all: Value | undefined;
    this.keep(of, { kind: "last", axis, rows: tail.rows }, type, padding, (now) => {
      all = this.emit("concat", { values: [now, rows] }, { axis });
      return this.emit("slice", { x: all }, { axis, start: this.sizes.added, size: dim(tail.rows) });
    });
    this.#carried.set(tail, all!);
    return all!;
  }
}
