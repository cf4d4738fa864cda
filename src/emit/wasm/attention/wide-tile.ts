import type { I32, Statement, V128 } from "../assembler/code.ts";
import { branchIf, loop } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { Phase } from "../kernel.ts";
import { multiplyAdd, type Machine } from "../machine.ts";
import { TILE_BYTES, TILE_COLUMNS, TILE_ROWS, type Products } from "./tile.ts";

/** Panels of eight columns that a wide tile has. */
export const WIDE_PANELS = 3;
export const WIDE_COLUMNS = WIDE_PANELS * TILE_COLUMNS;
const ROWS = 2;
const HALVES = 2;

export interface WideProducts extends Products {
  /** Bytes from a panel of right factors to the next. */
  readonly panel: I32;
}

/**
 * The sums of a `Tile` for two rows and three panels at a time: twelve vectors, a left factor of each row and one vector of right factors are all
 * registers that V8 gives. So many sums in the making wait for nothing, where eight just do (products/README's table of tiles); without
 * multiply-add a product needs a register too, and it would spill.
 */
export class WideTile {
  readonly #machine: Machine;
  /** By row, panel and half. */
  readonly #sums: readonly { readonly row: number; readonly at: number; readonly sum: Local<"v128"> }[];
  readonly #factors: readonly Local<"v128">[];
  readonly #columns: Local<"v128">;
  readonly #left: Local<"i32">;
  readonly #right: readonly Local<"i32">[];
  readonly #end: Local<"i32">;
  readonly #place: Local<"i32">;
  readonly #phase: Phase;

  constructor(machine: Machine, phase: Phase) {
    this.#machine = machine;
    this.#sums = phase
      .locals("v128", ROWS * WIDE_PANELS * HALVES)
      .map((sum, index) => ({ sum, row: index % ROWS, at: Math.floor(index / ROWS) }));
    this.#factors = phase.locals("v128", ROWS);
    this.#columns = phase.local("v128");
    this.#left = phase.local("i32");
    this.#right = phase.locals("i32", WIDE_PANELS);
    this.#end = phase.local("i32");
    this.#place = phase.local("i32");
    this.#phase = phase;
  }

  /** What is done for the first two rows of four, then for the others; `row` is the first of them. */
  eachPair(write: (row: I32) => Statement[]): Statement[] {
    return [this.#phase.range(i32.const(0), i32.const(TILE_ROWS), ROWS, write)];
  }

  clear(): Statement[] {
    return this.#sums.map(({ sum }) => sum.set(v128.zero));
  }

  /** Goes on from stored tiles, one after the other, as `Tile.loadTimes` does. */
  loadTimes(at: I32, factors: I32, first: I32): Statement[] {
    const zeros = this.#factors.map((factor): V128 => f32x4.ne(factor.get, v128.zero));
    return [
      this.#place.set(i32.add(factors, i32.shl(first, i32.const(2)))),
      ...this.#factors.map((factor, row) => factor.set(v128.load32_splat(this.#place.get, 4 * row))),
      this.#enterTiles(at, first),
      ...this.#sums.map(({ sum, row, at: vector }) => {
        const product = f32x4.mul(this.#factors[row]!.get, v128.load(this.#place.get, storedAt(row, vector)));
        return sum.set(v128.and(product, zeros[row]!));
      }),
    ];
  }

  /** Into stored tiles. */
  storeTiles(at: I32, first: I32): Statement[] {
    return [
      this.#enterTiles(at, first),
      ...this.#sums.map(({ sum, row, at: vector }) =>
        v128.store(this.#place.get, sum.get, storedAt(row, vector)),
      ),
    ];
  }

  /** Rows `pitch` bytes apart. */
  storeRows(at: I32, first: I32, pitch: number): Statement[] {
    return this.#storeRows(at, first, pitch, (sum) => sum);
  }

  /** The same, added to what is there. */
  storeRowsAdded(at: I32, first: I32, pitch: number): Statement[] {
    return this.#storeRows(at, first, pitch, (sum, stored) => f32x4.add(stored, sum));
  }

  #storeRows(at: I32, first: I32, pitch: number, make: (sum: V128, stored: V128) => V128): Statement[] {
    return [
      this.#place.set(i32.add(at, i32.mul(first, i32.const(pitch)))),
      ...this.#sums.map(({ sum, row, at: vector }) => {
        const offset = row * pitch + 16 * vector;
        return v128.store(this.#place.get, make(sum.get, v128.load(this.#place.get, offset)), offset);
      }),
    ];
  }

  add({ left, right, panel, terms }: WideProducts, first: I32): Statement[] {
    const [nearest, ...others] = this.#right as readonly [Local<"i32">, ...Local<"i32">[]];
    const next = (pointer: Local<"i32">): I32 => i32.add(pointer.get, i32.const(4 * TILE_COLUMNS));
    return [
      this.#left.set(i32.add(left.at, i32.mul(first, i32.const(left.row)))),
      ...this.#right.map((pointer, index) => pointer.set(i32.add(right, i32.mul(panel, i32.const(index))))),
      this.#end.set(i32.add(nearest.get, i32.shl(terms, i32.const(5)))),
      loop((again) => [
        ...this.#term(left.row),
        this.#left.set(i32.add(this.#left.get, i32.const(left.term))),
        ...others.map((pointer) => pointer.set(next(pointer))),
        branchIf(again, i32.lt_u(nearest.tee(next(nearest)), this.#end.get)),
      ]),
    ];
  }

  #enterTiles(at: I32, first: I32): Statement {
    return this.#place.set(i32.add(at, i32.mul(first, i32.const(4 * TILE_COLUMNS))));
  }

  #term(rowBytes: number): Statement[] {
    return [
      ...this.#factors.map((factor, row) => factor.set(v128.load32_splat(this.#left.get, row * rowBytes))),
      ...this.#sums.flatMap(({ sum, row, at }) => {
        const pointer = this.#right[Math.floor(at / HALVES)]!;
        const load = this.#columns.set(v128.load(pointer.get, 16 * (at % HALVES)));
        const product = multiplyAdd(this.#machine, this.#factors[row]!.get, this.#columns.get, sum.get);
        return [...(row === 0 ? [load] : []), sum.set(product)];
      }),
    ];
  }
}

/** Where a vector of a row stands in tiles of four rows by eight columns. */
const storedAt = (row: number, vector: number): number =>
  TILE_BYTES * Math.floor(vector / HALVES) + 4 * TILE_COLUMNS * row + 16 * (vector % HALVES);
