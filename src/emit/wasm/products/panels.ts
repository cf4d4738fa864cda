import type { Dim } from "../../../tensor/dim.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Unit } from "./nest.ts";
import { ColumnPacker, RowPacker } from "./pack.ts";
import { PANEL, PANEL_BYTES } from "./tile.ts";

/** Whether the last panel of so many columns is not full, as far as is known. */
export const isPartial = (columns: Dim): boolean => (constantDim(columns) ?? 1) % PANEL !== 0;

/**
 * The matrix [K, N] on the right of a product. `panels`: it lies in panels already; `columns`: as [K, N], so that 16 columns of
 * a k lie side by side; `rows`: as [N, K]. Strides in bytes.
 */
export interface RightMatrix {
  readonly lies: "panels" | "columns" | "rows";
  readonly address: I32;
  /** From one row of the memory to the next; of no matter to panels. */
  readonly rowBytes: I32;
  readonly depth: I32;
  /** Memory of a panel, where panels are made. */
  readonly own: I32;
}

/** The panels of a matrix, one at a time. */
export class PanelReader {
  readonly #matrix: RightMatrix;
  readonly #at: Local<"i32">;
  readonly #packer: ColumnPacker | RowPacker | undefined;

  constructor(writer: FunctionWriter, matrix: RightMatrix) {
    this.#matrix = matrix;
    this.#at = writer.local("i32");
    this.#packer =
      matrix.lies === "panels"
        ? undefined
        : new (matrix.lies === "columns" ? ColumnPacker : RowPacker)(writer);
  }

  /** Where the panel lies that was made ready last. */
  get at(): I32 {
    return this.#at.get;
  }

  makeReady({ panel, column, left }: Unit): Statement[] {
    const { address, lies, rowBytes, depth, own } = this.#matrix;
    const panelBytes = i32.mul(depth, i32.const(PANEL_BYTES));
    if (this.#packer === undefined) return [this.#at.set(i32.add(address, i32.mul(panel, panelBytes)))];
    const columnBytes = lies === "columns" ? i32.const(4) : rowBytes;
    const from = i32.add(address, i32.mul(column, columnBytes));
    return [this.#at.set(own), ...this.#packer.pack({ from, rowBytes, depth, left, to: own })];
  }
}
