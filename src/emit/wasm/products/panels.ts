import type { Dim } from "../../../tensor/dim.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Unit } from "./nest.ts";
import { ColumnPacker, RowPacker } from "./pack.ts";
import { PANEL, PANEL_BYTES, type TileOperands } from "./tile.ts";

/** Whether the last tile has columns that are not there, as far as is known. */
export const isPartial = (columns: Dim, width: number): boolean => (constantDim(columns) ?? 1) % width !== 0;

/**
 * The matrix [K, N] on the right of a product. `panels`: it lies in panels already; `columns`: as [K, N], so that columns of
 * a k lie side by side; `rows`: as [N, K]. Strides in bytes.
 */
export interface RightMatrix {
  readonly lies: "panels" | "columns" | "rows";
  readonly address: I32;
  /** From one row of the memory to the next; of no matter to panels. */
  readonly rowBytes: I32;
  readonly depth: I32;
  /** Columns of a tile. */
  readonly width: number;
  /** Memory of the columns of a tile, where they are packed. */
  readonly own: I32;
}

/** The columns that tiles read, those of one tile after the other. */
export class PanelReader {
  readonly #matrix: RightMatrix;
  readonly #at: Local<"i32">;
  readonly #packer: ColumnPacker | RowPacker | undefined;

  constructor(writer: FunctionWriter, matrix: RightMatrix) {
    const { lies, width } = matrix;
    this.#matrix = matrix;
    this.#at = writer.local("i32");
    this.#packer =
      lies === "panels" ? undefined : new (lies === "columns" ? ColumnPacker : RowPacker)(writer, width);
  }

  /** Where the columns lie that were made ready last, and how far it is from one k to the next. */
  get ready(): Pick<TileOperands, "panel" | "panelStep"> {
    const width = this.#packer === undefined ? PANEL : this.#matrix.width;
    return { panel: this.#at.get, panelStep: i32.const(4 * width) };
  }

  makeReady({ panel, column, left }: Unit): Statement[] {
    const { address, lies, rowBytes, depth, width, own } = this.#matrix;
    if (this.#packer === undefined) {
      const parts = PANEL / width;
      const start = i32.mul(i32.div_u(panel, i32.const(parts)), i32.mul(depth, i32.const(PANEL_BYTES)));
      const part =
        parts === 1 ? i32.const(0) : i32.mul(i32.rem_u(panel, i32.const(parts)), i32.const(4 * width));
      return [this.#at.set(i32.add(address, i32.add(start, part)))];
    }
    const columnBytes = lies === "columns" ? i32.const(4) : rowBytes;
    const from = i32.add(address, i32.mul(column, columnBytes));
    return [this.#at.set(own), ...this.#packer.pack({ from, rowBytes, depth, left, to: own })];
  }
}
