import type { I32, Statement, V128 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { PANEL, PANEL_BYTES, TILE_ROWS, type TileAt } from "./tile.ts";

/** Bytes of a tile that is put aside. */
export const TILE_BYTES = TILE_ROWS * PANEL_BYTES;

/**
 * A tensor that tiles read or write as they stand, [rows, columns]. Where the last panel has columns that the tensor has
 * not, the tile is put aside first, or taken from there at the end.
 */
export class Place {
  readonly #writer: FunctionWriter;
  readonly #address: I32;
  readonly #rowBytes: I32;
  readonly #aside: I32 | undefined;
  readonly #at: readonly Local<"i32">[];

  /** `aside`: where a tile is put that reaches beyond the columns; undefined if none does. */
  constructor(writer: FunctionWriter, address: I32, rowBytes: I32, aside: I32 | undefined) {
    this.#writer = writer;
    this.#address = address;
    this.#rowBytes = rowBytes;
    this.#aside = aside;
    this.#at = writer.locals("i32", TILE_ROWS);
  }

  /** Before the tile reads here. */
  read(tile: TileAt): Statement[] {
    return this.#enter(tile, (to) => this.#copies(tile, (i) => [this.#at[i]!.get, to(i)]));
  }

  /** Before the tile is written here. */
  write(tile: TileAt): Statement[] {
    return this.#enter(tile, () => []);
  }

  /** After the tile was written here. */
  written(tile: TileAt): Statement[] {
    const aside = this.#aside;
    if (aside === undefined) return [];
    const from = (i: number): I32 => i32.add(aside, i32.const(PANEL_BYTES * i));
    return [
      this.#ifPart(tile, [
        ...this.#enterWhole(tile),
        ...this.#copies(tile, (i) => [from(i), this.#at[i]!.get]),
      ]),
    ];
  }

  load(i: number, vector: number): V128 {
    return v128.load(this.#at[i]!.get, 16 * vector);
  }

  store(i: number, vector: number, value: V128): Statement {
    return v128.store(this.#at[i]!.get, value, 16 * vector);
  }

  #enter(tile: TileAt, copies: (to: (i: number) => I32) => Statement[]): Statement[] {
    const aside = this.#aside;
    const whole = this.#enterWhole(tile);
    if (aside === undefined) return whole;
    const to = (i: number): I32 => i32.add(aside, i32.const(PANEL_BYTES * i));
    const part = this.#at.slice(0, tile.rows).map((at, i) => at.set(to(i)));
    return [...whole, this.#ifPart(tile, [...copies(to), ...part])];
  }

  #enterWhole({ row, rows, column }: TileAt): Statement[] {
    const [first, ...others] = this.#at.slice(0, rows);
    const start = i32.add(this.#address, i32.shl(column, i32.const(2)));
    return [
      first!.set(i32.add(start, i32.mul(row, this.#rowBytes))),
      ...others.map((at, i) => at.set(i32.add(this.#at[i]!.get, this.#rowBytes))),
    ];
  }

  #ifPart({ left }: TileAt, statements: readonly Statement[]): Statement {
    return when(i32.lt_s(left, i32.const(PANEL)), statements);
  }

  #copies({ rows, left }: TileAt, ends: (i: number) => readonly [from: I32, to: I32]): Statement[] {
    return Array.from({ length: rows }, (_, i) => {
      const [from, to] = ends(i);
      return this.#writer.range(i32.const(0), i32.shl(left, i32.const(2)), 4, (at) => [
        i32.store(i32.add(to, at), i32.load(i32.add(from, at))),
      ]);
    });
  }
}
