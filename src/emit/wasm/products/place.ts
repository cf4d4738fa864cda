import type { I32, Statement, V128 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { MOST_ROWS, PANEL_BYTES, TILE_ROWS, type TileAt } from "./tile.ts";

/** Bytes of a tile that is put aside. */
export const TILE_BYTES = TILE_ROWS * PANEL_BYTES;

/** From one row of such a tile to the next: narrow tiles have up to `MOST_ROWS` of them, which stand nearer together. */
const asideStep = (width: number): number => (4 * width * MOST_ROWS < TILE_BYTES ? 4 * width : PANEL_BYTES);

/** Where a tensor [rows, columns] lies that tiles read or write. */
export interface PlaceOptions {
  readonly address: I32;
  /** From one row to the next. */
  readonly rowBytes: I32;
  /** Columns of a tile. */
  readonly width: number;
  /** Memory for a tile that reaches beyond the columns; undefined if none does. */
  readonly aside: I32 | undefined;
}

/**
 * A tensor that tiles read or write as they stand, [rows, columns]. Where the last panel has columns that the tensor has
 * not, the tile is put aside first, or taken from there at the end.
 */
export class Place {
  readonly #writer: FunctionWriter;
  readonly #address: I32;
  readonly #rowBytes: I32;
  readonly #aside: I32 | undefined;
  readonly #width: number;
  readonly #at: readonly Local<"i32">[];

  constructor(writer: FunctionWriter, { address, rowBytes, width, aside }: PlaceOptions) {
    this.#width = width;
    this.#writer = writer;
    this.#address = address;
    this.#rowBytes = rowBytes;
    this.#aside = aside;
    this.#at = writer.locals("i32", MOST_ROWS);
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
    const from = (i: number): I32 => i32.add(aside, i32.const(asideStep(this.#width) * i));
    return [
      this.#ifPart(tile, [
        ...this.#enterWhole(tile),
        ...this.#copies(tile, (i) => [from(i), this.#at[i]!.get]),
      ]),
    ];
  }

  /** A vector of row i, so many bytes from the row's start in the tile. */
  load(i: number, offset: I32, bytes: number): V128 {
    return v128.load(i32.add(this.#at[i]!.get, offset), bytes);
  }

  store(i: number, offset: I32, bytes: number, value: V128): Statement {
    return v128.store(i32.add(this.#at[i]!.get, offset), value, bytes);
  }

  #enter(tile: TileAt, copies: (to: (i: number) => I32) => Statement[]): Statement[] {
    const aside = this.#aside;
    const whole = this.#enterWhole(tile);
    if (aside === undefined) return whole;
    const to = (i: number): I32 => i32.add(aside, i32.const(asideStep(this.#width) * i));
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
    return when(i32.lt_s(left, i32.const(this.#width)), statements);
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
