import type { I32, Statement } from "../assembler/code.ts";
import { block, branchIf, loop } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { multiplyAdd, type Machine } from "../machine.ts";

/** Columns of a panel: [K][16], a line of the cache for each k. */
export const PANEL = 16;
export const PANEL_BYTES = 4 * PANEL;
/** Vectors of a row of a panel. */
export const VECTORS = PANEL / 4;
/** Rows of a tile: with 16 columns as fast as any, the smallest code, and one row is left over at most. */
export const TILE_ROWS = 2;

/** Rows of x, each with its elements one after the other, and a panel; addresses and strides in bytes. */
export interface TileOperands {
  /** The first row. */
  readonly x: I32;
  /** From one row to the next. */
  readonly rowBytes: I32;
  readonly panel: I32;
  readonly depth: I32;
}

/** Where a tile stands in the result. */
export interface TileAt {
  readonly row: I32;
  readonly rows: number;
  /** Its first column. */
  readonly column: I32;
  /** Columns from there on; fewer than 16 in the last panel. */
  readonly left: I32;
}

/** A tile of a product, [1 or 2 rows][16 columns], its sums in registers. */
export class Tile {
  /** Of the first row, then of the second. */
  readonly sums: readonly (readonly Local<"v128">[])[];
  readonly #machine: Machine;
  readonly #columns: readonly Local<"v128">[];
  readonly #element: Local<"v128">;
  readonly #x: readonly Local<"i32">[];
  readonly #panel: Local<"i32">;
  readonly #end: Local<"i32">;

  constructor(writer: FunctionWriter, machine: Machine) {
    this.#machine = machine;
    this.sums = Array.from({ length: TILE_ROWS }, () => writer.locals("v128", VECTORS));
    this.#columns = writer.locals("v128", VECTORS);
    this.#element = writer.local("v128");
    this.#x = writer.locals("i32", TILE_ROWS);
    this.#panel = writer.local("i32");
    this.#end = writer.local("i32");
  }

  /** The sums begin at 0. */
  clear(rows: number): Statement[] {
    return this.sums
      .slice(0, rows)
      .flat()
      .map((sum) => sum.set(v128.zero));
  }

  /** sums[i] += Σ x[i, k] · panel[k], k upward. */
  multiply(rows: number, { x, rowBytes, panel, depth }: TileOperands): Statement[] {
    const { unroll } = this.#machine;
    const apart = rowBytes.known === undefined ? rows : 1;
    const until = (steps: I32): Statement =>
      this.#end.set(i32.add(panel, i32.mul(steps, i32.const(PANEL_BYTES))));
    const whole = unroll === 1 ? depth : i32.and(depth, i32.const(-unroll));
    const rest =
      whole.known === depth.known && (unroll === 1 || depth.known !== undefined)
        ? []
        : [until(depth), this.#steps(rows, rowBytes, 1)];
    return [
      ...this.#x.slice(0, apart).map((row, i) => row.set(i32.add(x, i32.mul(rowBytes, i32.const(i))))),
      this.#panel.set(panel),
      until(whole),
      this.#steps(rows, rowBytes, unroll),
      ...rest,
    ];
  }

  /** While the panel has not ended: `unroll` steps of k in a turn. */
  #steps(rows: number, rowBytes: I32, unroll: number): Statement {
    const apart = rowBytes.known === undefined;
    const turn = Array.from({ length: unroll }, (_, step) => this.#step(rows, rowBytes, step)).flat();
    const next = this.#x
      .slice(0, apart ? rows : 1)
      .map((row) => row.set(i32.add(row.get, i32.const(4 * unroll))));
    return block((exit) => [
      branchIf(exit, i32.ge_u(this.#panel.get, this.#end.get)),
      loop((again) => [
        ...turn,
        ...next,
        branchIf(
          again,
          i32.lt_u(this.#panel.tee(i32.add(this.#panel.get, i32.const(PANEL_BYTES * unroll))), this.#end.get),
        ),
      ]),
    ]);
  }

  #step(rows: number, rowBytes: I32, step: number): Statement[] {
    const load = this.#columns.map((column, j) =>
      column.set(v128.load(this.#panel.get, PANEL_BYTES * step + 16 * j)),
    );
    const rowsOf = this.sums.slice(0, rows).flatMap((sums, i) => {
      const [from, offset] =
        rowBytes.known === undefined ? [this.#x[i]!, 0] : [this.#x[0]!, i * rowBytes.known];
      return [
        this.#element.set(v128.load32_splat(from.get, offset + 4 * step)),
        ...sums.map((sum, j) =>
          sum.set(multiplyAdd(this.#machine, this.#element.get, this.#columns[j]!.get, sum.get)),
        ),
      ];
    });
    return [...load, ...rowsOf];
  }
}
