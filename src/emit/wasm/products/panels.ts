import type { Dim } from "../../../tensor/dim.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { HalfReader } from "../halves/convert.ts";
import type { Machine } from "../machine.ts";
import { Ahead } from "./ahead.ts";
import { Dots } from "./dots.ts";
import type { Unit } from "./nest.ts";
import { ColumnPacker, RowPacker } from "./pack.ts";
import { PANEL, type Tile, type TileAt, type TileOperands } from "./tile.ts";

/** Fewer rows than these read columns as they lie, one row after the other, where they would have to be transposed. */
const TRANSPOSED_ROWS = 4;

/** Whether the last tile has columns that are not there, as far as is known. */
export const isPartial = (columns: Dim, width: number): boolean => (constantDim(columns) ?? 1) % width !== 0;

/**
 * The matrix [K, N] on the right of a product. `panels`: it lies in panels already; `columns`: as [K, N], so that columns of
 * a k lie side by side; `rows`: as [N, K]. Strides in bytes.
 */
export interface RightMatrix {
  readonly lies: "panels" | "columns" | "rows";
  /** What reads it, if it lies in panels of halves. */
  readonly halves?: HalfReader | undefined;
  readonly address: I32;
  /** From one row of the memory to the next; of no matter to panels. */
  readonly rowBytes: I32;
  readonly depth: I32;
  /** How many panels, if it lies in panels. */
  readonly panels?: I32;
  /** Columns of a tile. */
  readonly width: number;
  /** Memory of the columns of a tile, where they are packed. */
  readonly own: I32;
  /** Memory of a vector for each of them. */
  readonly sums: I32;
}

/** Rows, each with its elements one after the other. */
type Rows = Pick<TileOperands, "x" | "rowBytes">;

/** The columns that tiles read, those of one tile after the other. */
export class PanelReader {
  readonly #matrix: RightMatrix;
  readonly #writer: FunctionWriter;
  readonly #at: Local<"i32">;
  readonly #wide: Local<"i32">;
  readonly #packer: ColumnPacker | RowPacker | undefined;
  readonly #dots: Dots | undefined;
  readonly #ahead: Ahead | undefined;
  /** Units of fewer rows than these have lone rows only. */
  readonly fewRows: number;

  constructor(writer: FunctionWriter, machine: Machine, matrix: RightMatrix) {
    const { lies, width } = matrix;
    this.#matrix = matrix;
    this.#writer = writer;
    [this.#at, this.#wide] = writer.locals("i32", 2) as [Local<"i32">, Local<"i32">];
    this.#packer =
      lies === "panels" ? undefined : new (lies === "columns" ? ColumnPacker : RowPacker)(writer, width);
    this.#dots = lies === "rows" ? new Dots(writer, machine) : undefined;
    this.#ahead = lies === "panels" ? new Ahead(writer) : undefined;
    this.fewRows = lies === "rows" ? TRANSPOSED_ROWS : 0;
  }

  /** Before the tiles of a unit. */
  makeReady(unit: Unit): Statement[] {
    const { column, left, rows } = unit;
    const { depth, own, rowBytes } = this.#matrix;
    const packer = this.#packer;
    if (packer === undefined) return this.#enterPanel(unit);
    const pack = packer.pack({ from: this.#columnAt(column), rowBytes, depth, left, to: own });
    const isMany = i32.ge_s(i32.sub(rows.to, rows.from), i32.const(this.fewRows));
    return [this.#at.set(own), ...(this.fewRows === 0 ? pack : [when(isMany, pack)])];
  }

  /** The panel of the unit's columns; those that come next are touched meanwhile. */
  #enterPanel(unit: Unit): Statement[] {
    const { address, depth, width, halves, panels } = this.#matrix;
    const { panel, rows } = unit;
    const parts = PANEL / width;
    const stepBytes = (halves === undefined ? 4 : 2) * PANEL;
    const bytes = i32.mul(depth, i32.const(stepBytes));
    const part = parts === 1 ? i32.const(0) : i32.rem_u(panel, i32.const(parts));
    const start = i32.add(address, i32.mul(i32.div_u(panel, i32.const(parts)), bytes));
    const enter = this.#at.set(i32.add(start, i32.mul(part, i32.const(stepBytes / parts))));
    const count = i32.sub(rows.to, rows.from);
    if (count.known === 1) return [enter];
    const steps = i32.mul(depth, i32.shr_u(count, i32.const(1)));
    return [
      enter,
      ...this.#ahead!.begin({ address, bytes, count: panels!, parts }, unit, steps),
      ...(halves === undefined ? [] : this.#widen(halves, rows)),
    ];
  }

  /** The sums of a tile of a unit that is ready. */
  multiply(tile: Tile, { rows, column, left }: TileAt, { x, rowBytes }: Rows): Statement[] {
    const { depth, width, sums, own, halves, rowBytes: columnBytes } = this.#matrix;
    if (rows === 1 && this.#dots !== undefined)
      return this.#dots.multiply(tile, {
        ...{ x, from: this.#columnAt(column), columnBytes, depth, left, own: sums },
      });
    const ahead = this.#ahead;
    if (halves !== undefined && rows > 1)
      return tile.multiply(rows, { x, rowBytes, panel: own, panelStep: i32.const(4 * width), depth, ahead });
    const element = halves === undefined ? 4 : 2;
    const panelStep = i32.const(element * (this.#packer === undefined ? PANEL : width));
    return tile.multiply(rows, { x, rowBytes, panel: this.#at.get, panelStep, depth, halves, ahead });
  }

  /** Halves of the columns of a tile as floats, for several rows; a lone row reads the halves. */
  #widen(halves: HalfReader, { from, to }: Unit["rows"]): Statement[] {
    const { depth, width, own } = this.#matrix;
    const [place, end] = [this.#wide, i32.add(own, i32.mul(depth, i32.const(4 * width)))];
    const isMany = i32.gt_s(i32.sub(to, from), i32.const(1));
    if (isMany.known === 0) return [];
    return [
      when(isMany, [
        place.set(this.#at.get),
        this.#writer.range(own, end, 4 * width, (at) => [
          ...halves.read(width / 4, place.get, 0, (vector, floats) => [v128.store(at, floats, 16 * vector)]),
          place.set(i32.add(place.get, i32.const(2 * PANEL))),
        ]),
      ]),
    ];
  }

  /** Where a column of a matrix begins that is in no panels. */
  #columnAt(column: I32): I32 {
    const { address, lies, rowBytes } = this.#matrix;
    return i32.add(address, i32.mul(column, lies === "columns" ? i32.const(4) : rowBytes));
  }
}
