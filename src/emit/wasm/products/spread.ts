import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { multiplyAdd, type Machine } from "../machine.ts";

/** Rows of the matrix that are added at a time: memory is read in as many streams. */
const SIDE = 4;
/** Vectors of sums in a turn of the loop over columns. */
const STEP = 2;

/** A row, and a matrix [K, N] of which columns lie side by side; addresses and strides in bytes. */
export interface SpreadOperands {
  readonly x: I32;
  /** The first column that is meant, in the first row of the matrix. */
  readonly from: I32;
  readonly rowBytes: I32;
  readonly depth: I32;
  /** How many columns. */
  readonly columns: I32;
  /** Where their sums are made, one after the other. */
  readonly sums: I32;
}

/**
 * A row times columns that lie side by side, read as they lie, each row of the matrix from end to end: to pack the columns of a tile of it
 * goes through all pages of the matrix for each tile. Sums are in the order of k.
 */
export class Spread {
  readonly #writer: FunctionWriter;
  readonly #machine: Machine;
  readonly #x: Local<"i32">;
  readonly #rows: readonly Local<"i32">[];
  readonly #places: readonly Local<"i32">[];
  readonly #elements: readonly Local<"v128">[];

  constructor(writer: FunctionWriter, machine: Machine) {
    this.#writer = writer;
    this.#machine = machine;
    this.#x = writer.local("i32");
    this.#rows = writer.locals("i32", SIDE);
    this.#places = writer.locals("i32", SIDE);
    this.#elements = writer.locals("v128", SIDE);
  }

  multiply(operands: SpreadOperands): Statement[] {
    const { x, from, depth, columns, sums } = operands;
    const zero = i32.const(0);
    const bytes = i32.shl(columns, i32.const(2));
    const whole = i32.and(depth, i32.const(-SIDE));
    return [
      this.#x.set(x),
      this.#rows[0]!.set(from),
      this.#writer.range(zero, bytes, 4, (at) => [v128.store32_lane(i32.add(sums, at), v128.zero, 0)]),
      this.#writer.range(zero, whole, SIDE, () => this.#add(operands, SIDE)),
      this.#writer.range(zero, i32.sub(depth, whole), 1, () => this.#add(operands, 1)),
    ];
  }

  /** The next so many rows of the matrix. */
  #add({ rowBytes, columns, sums }: SpreadOperands, count: number): Statement[] {
    const [first, ...others] = this.#rows.slice(0, count) as [Local<"i32">, ...Local<"i32">[]];
    const places = this.#places.slice(0, count);
    const bytes = i32.shl(columns, i32.const(2));
    const turn = 16 * STEP;
    const whole = i32.and(bytes, i32.const(-turn));
    const sumOf = (load: (at: I32, offset: number) => V128, sum: I32, offset: number): V128 =>
      places.reduce(
        (total, place, row) =>
          multiplyAdd(this.#machine, this.#elements[row]!.get, load(place.get, offset), total),
        load(sum, offset),
      );
    const walk = (start: I32, end: I32, step: number, add: (sum: I32) => readonly Statement[]): Statement =>
      this.#writer.range(start, end, step, (at) => [
        ...add(i32.add(sums, at)),
        ...places.map((place) => place.set(i32.add(place.get, i32.const(step)))),
      ]);
    return [
      ...others.map((row, index) => row.set(i32.add(this.#rows[index]!.get, rowBytes))),
      ...places.map((place, row) => place.set(this.#rows[row]!.get)),
      ...this.#elements
        .slice(0, count)
        .map((element, row) => element.set(v128.load32_splat(this.#x.get, 4 * row))),
      walk(i32.const(0), whole, turn, (sum) =>
        Array.from({ length: STEP }, (_, vector) =>
          v128.store(sum, sumOf(v128.load, sum, 16 * vector), 16 * vector),
        ),
      ),
      walk(whole, bytes, 4, (sum) => [v128.store32_lane(sum, sumOf(v128.load32_zero, sum, 0), 0)]),
      this.#x.set(i32.add(this.#x.get, i32.const(4 * count))),
      first.set(i32.add((others.at(-1) ?? first).get, rowBytes)),
    ];
  }
}
