import { noOrigin, type Graph, type Input, type Value } from "../../ir/graph.ts";
import { makeValue } from "../../ir/node.ts";
import { addDims, constantDim, dim, sameDim, symbolDim, type Dim } from "../../tensor/dim.ts";
import type { Shape } from "../../tensor/type.ts";
import { Emitter } from "../emitter.ts";
import { Refusal } from "../refusal.ts";
import { batchOf } from "../symbols.ts";

/**
 * A value where the texts of a batch begin at places of their own. What no text is in the model, as its positions, is
 * `lifted`: it has the batch in front of its axes.
 */
export interface Made {
  readonly value: Value;
  readonly isLifted: boolean;
}

/** What the texts of a batch have where each begins at a place of its own; nodes, while they are made. */
export class Texts extends Emitter {
  readonly begins: Input;
  readonly batch: Dim;
  readonly #length: Dim;
  readonly #kept = new Map<string, Value>();

  constructor(graph: Graph, symbol: string) {
    super();
    const batch = batchOf(graph, symbol);
    if (batch === undefined) throw new Refusal("no_batch");
    this.batch = symbolDim(batch);
    this.#length = symbolDim(symbol);
    const taken = new Set([...graph.inputs, ...graph.parameters].map(({ name }) => name));
    let name = "begins";
    for (let count = 2; taken.has(name); count++) name = `begins${count}`;
    const value = makeValue({ dtype: "i32", shape: [this.batch] }, name);
    this.begins = { name, value, fill: 0, span: undefined };
  }

  reshaped(x: Value, shape: Shape): Value {
    const isSame =
      shape.length === x.type.shape.length && shape.every((size, axis) => sameDim(size, x.type.shape[axis]));
    return isSame ? x : this.emit("reshape", { x }, { shape });
  }

  /** x stretched to a shape, if it has another. */
  stretched(x: Value, shape: Shape): Value {
    const isSame = shape.every((size, axis) => sameDim(size, x.type.shape[axis]));
    return isSame ? x : this.emit("broadcast", { x }, { shape });
  }

  /** The axis of the batch among others; undefined if there is none. */
  batchAxis(shape: Shape): number | undefined {
    const axes = shape.flatMap((size, axis) => (sameDim(size, this.batch) ? [axis] : []));
    if (axes.length > 1) throw new Refusal("begins", undefined, "two axes of the batch");
    return axes[0];
  }

  /** i32[B, lead + T]: the index of each row, counted from where its text begins; rows in front have theirs. */
  positions(lead: number): Value {
    return this.#once(`positions ${lead}`, () => {
      const at = this.#indices(lead);
      const own = this.emit("sub", { x: at, y: this.#begin(0) }, {});
      // What stands before a text is counted as its first position: it is read by nobody, and is a number like others.
      const row = this.emit("max", { x: own, y: this.number(lead, "i32") }, {});
      if (lead === 0) return row;
      const isFront = this.emit("lt", { x: at, y: this.number(lead, "i32") }, {});
      return this.emit("where", { condition: isFront, x: at, y: row }, {});
    });
  }

  /** bool[B, lead + T]: whether a row is of its text, or of those in front of all texts. */
  #isThere(lead: number): Value {
    return this.#once(`there ${lead}`, () => {
      const at = this.#indices(lead);
      const isText = this.emit("ge", { x: at, y: this.#begin(lead) }, {});
      if (lead === 0) return isText;
      return this.emit(
        "or",
        { x: isText, y: this.emit("lt", { x: at, y: this.number(lead, "i32") }, {}) },
        {},
      );
    });
  }

  /** The same for a value of so many axes, of which two are the batch and the rows. */
  isThere(lead: number, rank: number, batch: number, rows: number): Value {
    return this.#once(`there ${lead} ${rank} ${batch} ${rows}`, () => {
      const found = this.#isThere(lead);
      const [of, size] = found.type.shape as readonly [Dim, Dim];
      const shape = Array.from({ length: rank }, (_, axis) =>
        axis === batch ? of : axis === rows ? size : dim(1),
      );
      const inOrder = batch < rows ? found : this.emit("permute", { x: found }, { axes: [1, 0] });
      return this.reshaped(inOrder, shape);
    });
  }

  /** i32[1, lead + T] */
  #indices(lead: number): Value {
    return this.#once(`indices ${lead}`, () => {
      const size = addDims(this.#length, dim(lead));
      return this.reshaped(this.emit("iota", {}, { size }), [dim(1), size]);
    });
  }

  /** i32[B, 1]: so many rows after where each text begins. */
  #begin(after: number): Value {
    return this.#once(`begin ${after}`, () => {
      const begin = this.reshaped(this.begins.value, [this.batch, dim(1)]);
      return after === 0 ? begin : this.emit("add", { x: begin, y: this.number(after, "i32") }, {});
    });
  }

  /** Made where it is first asked for, and read from then on. */
  #once(key: string, make: () => Value): Value {
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const { origin } = this;
    this.origin = noOrigin;
    const made = make();
    this.origin = origin;
    this.#kept.set(key, made);
    return made;
  }

  /**
   * A lifted value among those of so many axes: its own aligned with the last, the batch put to the axis where the others
   * have it, or before all of them.
   */
  placed({ value, isLifted }: Made, rank: number, batch: number | undefined): Value {
    if (!isLifted) return value;
    const [of, ...own] = value.type.shape as readonly [Dim, ...Dim[]];
    const aligned = [...Array.from({ length: rank - own.length }, () => dim(1)), ...own];
    if (batch === undefined) return this.reshaped(value, [of, ...aligned]);
    if (constantDim(aligned[batch]!) !== 1) throw new Refusal("begins", undefined, "two axes of the batch");
    const others = aligned.toSpliced(batch, 1);
    const inFront = this.reshaped(value, [of, ...others]);
    if (batch === 0) return inFront;
    const axes = others.map((_, axis) => axis + 1).toSpliced(batch, 0, 0);
    return this.emit("permute", { x: inFront }, { axes });
  }

  /** A value whose rows before its text are a number: so they have no part in what folds or shifts them. */
  masked({ value, isLifted }: Made, axis: number, lead: number, number: number): Made {
    const { shape, dtype } = value.type;
    const batch = isLifted ? 0 : this.batchAxis(shape);
    const isOwn = !isLifted && batch !== undefined;
    const [rank, rows] = isOwn ? [shape.length, axis] : [shape.length + (isLifted ? 0 : 1), axis + 1];
    const condition = this.isThere(lead, rank, batch ?? 0, rows);
    const made = this.emit("where", { condition, x: value, y: this.number(number, dtype) }, {});
    return { value: made, isLifted: !isOwn };
  }
}
