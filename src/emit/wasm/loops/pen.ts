import { append } from "../../../support/lists.ts";
import type { Name } from "../../loops/tree.ts";
import type { Code, I32, Statement, ValueType } from "../assembler/code.ts";
import type { Body, Wide } from "../functions/wide.ts";
import type { Phase } from "../kernel.ts";
import type { Constants, Machine } from "../machine.ts";

/** The turns of a `lanes` loop that are written out side by side: vectors of four, or one turn alone in the first lane. */
export interface Turns {
  readonly index: Name;
  /** 4 · the index of the first turn: where its element lies from the first one on, in bytes. */
  readonly at: I32;
  readonly units: number;
  readonly isWhole: boolean;
}

/** A sine and a cosine, in variables. */
export interface SinCos {
  readonly sine: Wide;
  readonly cosine: Wide;
}

/** Where code goes. */
export class Pen implements Body {
  readonly machine: Machine;
  readonly constants: Constants;
  readonly writer: Phase;
  /** Both of an angle in float64, by its vectors: they are computed together. */
  readonly turned = new WeakMap<Wide, SinCos>();
  /** Vectors of a row that lanes have side by side. */
  unroll: number;
  /** Undefined outside of lanes, where a float is four equal lanes. */
  turns: Turns | undefined;
  #out: Statement[] = [];

  constructor({ machine, constants }: Pick<Body, "machine" | "constants">, writer: Phase) {
    this.machine = machine;
    this.constants = constants;
    this.writer = writer;
    this.unroll = machine.unroll;
  }

  /** Vectors that a number of this place has. */
  get units(): number {
    return this.turns?.units ?? 1;
  }

  readonly push = (...statements: readonly Statement[]): void => {
    append(this.#out, statements);
  };

  /** The statements that are written meanwhile. */
  inside(write: () => void): readonly Statement[] {
    const outer = this.#out;
    const own: Statement[] = [];
    this.#out = own;
    write();
    this.#out = outer;
    return own;
  }

  /** The statements of so many turns. */
  turn(turns: Turns, write: () => void): readonly Statement[] {
    this.turns = turns;
    const own = this.inside(write);
    this.turns = undefined;
    return own;
  }

  /** What is written meanwhile has so many vectors of a row side by side. */
  withUnroll(unroll: number, write: () => void): void {
    const outer = this.unroll;
    this.unroll = unroll;
    write();
    this.unroll = outer;
  }

  /** In a variable, so that it may be read more than once and stays what it is now. */
  keep<T extends ValueType>(value: Code<T>): Code<T> {
    if (value.known !== undefined) return value;
    const local = this.writer.local(value.type);
    this.push(local.set(value));
    return local.get;
  }
}
