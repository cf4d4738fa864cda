import type { I32, Statement, V128 } from "../assembler/code.ts";
import { lesser } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import { multiplyAdd, type Machine } from "../machine.ts";
import type { Tile } from "./tile.ts";
import { Transpose } from "./transpose.ts";

/**
 * Columns that are multiplied side by side, each a part of the tile from the next: memory is read in as many streams, which go on into
 * the next columns. One stream reads 4096 elements at 0.6 of the speed, four of neighbours 768 elements at 0.6.
 */
const SIDE = 4;
/** Vectors of a column in a turn, each with a sum of its own, so that a sum waits for none before it. */
const STEP = 2;

/** A row, and the columns of a tile, which lie one after the other; addresses and strides in bytes. */
export interface DotOperands {
  readonly x: I32;
  /** The first element of the first column. */
  readonly from: I32;
  /** From one column to the next. */
  readonly columnBytes: I32;
  readonly depth: I32;
  /** Columns from the first one on; in place of one that is not there the last one is read. */
  readonly left: I32;
  /** Memory of a vector for each column of the tile. */
  readonly own: I32;
}

/** A row times columns that lie one after the other, [.., K], read as they lie: packing them takes as long as four rows. */
export class Dots {
  readonly #writer: FunctionWriter;
  readonly #machine: Machine;
  readonly #x: Local<"i32">;
  readonly #columns: readonly Local<"i32">[];
  readonly #elements: readonly Local<"v128">[];
  readonly #sums: readonly (readonly Local<"v128">[])[];
  readonly #transpose: Transpose;

  constructor(writer: FunctionWriter, machine: Machine) {
    this.#writer = writer;
    this.#machine = machine;
    this.#x = writer.local("i32");
    this.#columns = writer.locals("i32", SIDE);
    this.#elements = writer.locals("v128", STEP);
    this.#sums = Array.from({ length: SIDE }, () => writer.locals("v128", STEP));
    this.#transpose = new Transpose(writer);
  }

  /** The sums of a tile's lone row: each in eight parts, by k modulo 8. */
  multiply(tile: Tile, operands: DotOperands): Statement[] {
    const { own } = operands;
    const apart = tile.width / SIDE;
    const [total] = this.#elements as readonly [Local<"v128">, ...Local<"v128">[]];
    const at = (first: I32, bytes: number): I32 => i32.add(own, i32.mul(first, i32.const(bytes)));
    return [
      this.#writer.range(i32.const(0), i32.const(apart), 1, (first) =>
        this.#some(operands, first, apart, at(first, 16)),
      ),
      // Each four vectors become one, in front of those that are still to come.
      this.#writer.range(i32.const(0), i32.const(tile.width), 4, (first) => [
        ...this.#transpose.four(
          [0, 1, 2, 3].map((c) => v128.load(at(first, 16), 16 * c)),
          (lanes, i) => total.set(i === 0 ? lanes : f32x4.add(total.get, lanes)),
        ),
        v128.store(at(first, 4), total.get),
      ]),
      ...tile.sums[0]!.map((sum, j) => sum.set(v128.load(own, 16 * j))),
    ];
  }

  /** Column `first` and those that are so many columns after it: a vector of four partial sums of each. */
  #some({ x, from, columnBytes, depth, left }: DotOperands, first: I32, apart: number, to: I32): Statement[] {
    const last = i32.sub(left, i32.const(1));
    const whole = i32.and(depth, i32.const(-4 * STEP));
    const zero = i32.const(0);
    return [
      this.#x.set(x),
      ...this.#columns.map((column, c) => {
        const index = lesser(i32.add(first, i32.const(c * apart)), last);
        return column.set(i32.add(from, i32.mul(columnBytes, index)));
      }),
      ...this.#sums.flat().map((sum) => sum.set(v128.zero)),
      this.#writer.range(zero, whole, 4 * STEP, () => this.#step(v128.load, STEP, 16 * STEP)),
      this.#writer.range(zero, i32.sub(depth, whole), 1, () => this.#step(v128.load32_zero, 1, 4)),
      ...this.#sums.map((sums, c) =>
        v128.store(to, sums.map(({ get }) => get).reduce(f32x4.add), 16 * c * apart),
      ),
    ];
  }

  #step(load: (at: I32, offset: number) => V128, vectors: number, bytes: number): Statement[] {
    const elements = this.#elements.slice(0, vectors);
    return [
      ...elements.map((element, part) => element.set(load(this.#x.get, 16 * part))),
      ...elements.flatMap((element, part) =>
        this.#columns.map((column, c) => {
          const sum = this.#sums[c]![part]!;
          return sum.set(multiplyAdd(this.#machine, element.get, load(column.get, 16 * part), sum.get));
        }),
      ),
      ...[this.#x, ...this.#columns].map((at) => at.set(i32.add(at.get, i32.const(bytes)))),
    ];
  }
}
