import type { I32, Statement } from "../assembler/code.ts";
import { loop, branchIf } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { Phase } from "../kernel.ts";
import { multiplyAdd, type Machine } from "../machine.ts";

export const TILE_ROWS = 4;
export const TILE_COLUMNS = 8;

/** Bytes of a stored tile: its rows one after the other. */
export const TILE_BYTES = 4 * TILE_ROWS * TILE_COLUMNS;

export interface Products {
  /** Where the left factor of the first row and term stands, the bytes to the next row, and to the next term. */
  readonly left: { readonly at: I32; readonly row: number; readonly term: number };
  /** The right factors: eight columns a term, one term after the other. */
  readonly right: I32;
  /** How many terms: a multiple of 4, and not 0. */
  readonly terms: I32;
}

/**
 * Sums of products for four rows and eight columns: eight vectors, two of right factors and one of the left are all that
 * V8 holds in registers.
 */
export class Tile {
  readonly #machine: Machine;
  readonly #unroll: number;
  /** Two vectors a row. */
  readonly #sums: readonly Local<"v128">[];
  readonly #columns: readonly Local<"v128">[];
  readonly #factor: Local<"v128">;
  readonly #left: Local<"i32">;
  readonly #right: Local<"i32">;
  readonly #end: Local<"i32">;

  /** `unroll` terms stand in a turn of the code. */
  constructor(machine: Machine, phase: Phase, unroll = machine.unroll) {
    this.#machine = machine;
    this.#unroll = unroll;
    this.#sums = phase.locals("v128", 2 * TILE_ROWS);
    this.#columns = phase.locals("v128", 2);
    this.#factor = phase.local("v128");
    this.#left = phase.local("i32");
    this.#right = phase.local("i32");
    this.#end = phase.local("i32");
  }

  clear(): Statement[] {
    return this.#sums.map((sum) => sum.set(v128.zero));
  }

  /** Goes on from a stored tile. */
  load(at: I32): Statement[] {
    return this.#sums.map((sum, i) => sum.set(v128.load(at, 16 * i)));
  }

  /** Goes on from a stored tile, each row times the float at `factors` for it; 0 times ∞ or NaN is 0. */
  loadTimes(at: I32, factors: I32): Statement[] {
    return this.#sums.map((sum, i) => {
      const factor = i % 2 === 0 ? this.#factor.tee(v128.load32_splat(factors, 2 * i)) : this.#factor.get;
      const product = f32x4.mul(factor, v128.load(at, 16 * i));
      return sum.set(v128.and(product, f32x4.ne(this.#factor.get, v128.zero)));
    });
  }

  /** Rows `pitch` bytes apart. */
  store(at: I32, pitch = 4 * TILE_COLUMNS): Statement[] {
    return this.#sums.map((sum, i) => v128.store(at, sum.get, (i >> 1) * pitch + (i & 1) * 16));
  }

  /** The same, added to what is there. */
  storeAdded(at: I32, pitch: number): Statement[] {
    return this.#sums.map((sum, i) => {
      const offset = (i >> 1) * pitch + (i & 1) * 16;
      return v128.store(at, f32x4.add(v128.load(at, offset), sum.get), offset);
    });
  }

  add({ left, right, terms }: Products): Statement[] {
    const unroll = this.#unroll;
    const turn = Array.from({ length: unroll }, (_, u) => this.#term(u, left));
    return [
      this.#left.set(left.at),
      this.#right.set(right),
      this.#end.set(i32.add(this.#right.get, i32.shl(terms, i32.const(5)))),
      loop((again) => [
        ...turn.flat(),
        this.#left.set(i32.add(this.#left.get, i32.const(unroll * left.term))),
        branchIf(
          again,
          i32.lt_u(this.#right.tee(i32.add(this.#right.get, i32.const(32 * unroll))), this.#end.get),
        ),
      ]),
    ];
  }

  #term(u: number, { row, term }: Products["left"]): Statement[] {
    return [
      ...this.#columns.map((column, half) => column.set(v128.load(this.#right.get, 32 * u + 16 * half))),
      ...this.#sums.flatMap((sum, i) => {
        const n = i >> 1;
        const factor = v128.load32_splat(this.#left.get, n * row + u * term);
        const product = multiplyAdd(this.#machine, this.#factor.get, this.#columns[i & 1]!.get, sum.get);
        return [...(i % 2 === 0 ? [this.#factor.set(factor)] : []), sum.set(product)];
      }),
    ];
  }
}

/** Where a column of a row of tiles stands, in bytes from the first tile's row: a tile holds eight columns. */
export const tileOffset = (column: I32): I32 =>
  i32.add(
    i32.mul(i32.shr_u(column, i32.const(3)), i32.const(TILE_BYTES)),
    i32.shl(i32.and(column, i32.const(7)), i32.const(2)),
  );
