import type { Beside, QuantizedForm, QuantizedTensor } from "../tensor/quantized.ts";
import type { Elements } from "./elements.ts";

/** What a packed matrix has of each block of a row. */
export type PackedRole = "codes" | "scales" | "minimums";

/** Rows from one up to another. */
interface RowRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The rows of a packed matrix, of which codes, scales and minimums are read one after the other, a part at a time: the scales
 * and minimums of rows whose codes were read are kept until they are read too, so that no row is made twice.
 */
export class PackedRows {
  readonly #rows: number;
  readonly #columns: number;
  readonly #form: QuantizedForm;
  readonly #keeps: boolean;
  /** Of the rows up to `#known`. */
  #kept: { readonly scales: Float32Array; readonly minimums: Float32Array | undefined } | undefined;
  #known = 0;

  /** `keeps`: what was made is kept until it is read; else each is made when it is. */
  constructor(rows: number, columns: number, form: QuantizedForm, keeps = true) {
    this.#rows = rows;
    this.#columns = columns;
    this.#form = form;
    this.#keeps = keeps;
  }

  /** Words of 32 bits of a row. */
  widthOf(role: PackedRole): number {
    const { bits, block } = this.#form;
    return role === "codes" ? (this.#columns * bits) / 32 : this.#columns / block;
  }

  /** The rows that must be made before words from one up to another can be had. */
  wanted(role: PackedRole, first: number, end: number): RowRange | undefined {
    const width = this.widthOf(role);
    const [from, to] = [Math.floor(first / width), Math.ceil(end / width)];
    const isKept = role !== "codes" && this.#kept !== undefined && to <= this.#known;
    return isKept ? undefined : { from, to };
  }

  /** Words from one up to another, row after row; `made` are the rows that were wanted for them. */
  take(role: PackedRole, first: number, end: number, made?: QuantizedTensor | Beside): Elements {
    const width = this.widthOf(role);
    const from = Math.floor(first / width);
    if (made !== undefined) {
      if (this.#keeps) this.#keep(made, from);
      const words = wordsOf(made, role);
      return words.subarray(first - from * width, end - from * width);
    }
    const found = this.#kept![role as "scales"].subarray(first, end);
    const isLast = role === (this.#form.hasMinimums ? "minimums" : "scales");
    if (isLast && end === this.#rows * width) [this.#kept, this.#known] = [undefined, 0];
    return found;
  }

  #keep({ scales, minimums }: Beside, from: number): void {
    if (from > this.#known) return;
    const width = this.widthOf("scales");
    const room = (): Float32Array => new Float32Array(this.#rows * width);
    this.#kept ??= { scales: room(), minimums: this.#form.hasMinimums ? room() : undefined };
    this.#kept.scales.set(scales, from * width);
    if (minimums !== undefined) this.#kept.minimums?.set(minimums, from * width);
    this.#known = Math.max(this.#known, from + scales.length / width);
  }
}

function wordsOf(rows: QuantizedTensor | Beside, role: PackedRole): Elements {
  if (role !== "codes") return rows[role]!;
  const { buffer, byteOffset, byteLength } = (rows as QuantizedTensor).codes;
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}
