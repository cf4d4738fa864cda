import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";

/** Transposes 4 × 4 words in registers. */
export class Transpose {
  readonly #rows: readonly Local<"v128">[];
  readonly #halves: readonly Local<"v128">[];

  constructor(writer: FunctionWriter) {
    this.#rows = writer.locals("v128", 4);
    this.#halves = writer.locals("v128", 4);
  }

  /** `store` for each column of four rows. */
  four(rows: readonly V128[], store: (column: V128, index: number) => Statement): Statement[] {
    const [a, b, c, d] = this.#rows.map(({ get }) => get) as [V128, V128, V128, V128];
    const [ab01, ab23, cd01, cd23] = this.#halves.map(({ get }) => get) as [V128, V128, V128, V128];
    const halves = [
      v128.shuffle(a, b, [0, 4, 1, 5]),
      v128.shuffle(a, b, [2, 6, 3, 7]),
      v128.shuffle(c, d, [0, 4, 1, 5]),
      v128.shuffle(c, d, [2, 6, 3, 7]),
    ];
    const columns = [
      v128.shuffle(ab01, cd01, [0, 1, 4, 5]),
      v128.shuffle(ab01, cd01, [2, 3, 6, 7]),
      v128.shuffle(ab23, cd23, [0, 1, 4, 5]),
      v128.shuffle(ab23, cd23, [2, 3, 6, 7]),
    ];
    return [
      ...rows.map((row, i) => this.#rows[i]!.set(row)),
      ...halves.map((half, i) => this.#halves[i]!.set(half)),
      ...columns.map(store),
    ];
  }
}

/** Two matrices of words, [rows][columns] and [columns][rows]; from one row of the memory to the next in bytes. */
export interface Transposed {
  readonly from: I32;
  readonly fromRow: I32;
  readonly rows: I32;
  readonly columns: I32;
  readonly to: I32;
  readonly toRow: I32;
}

/** Writes the columns of a matrix as rows. */
export class Transposer {
  readonly #writer: FunctionWriter;
  readonly #transpose: Transpose;
  readonly #from: readonly Local<"i32">[];
  readonly #to: readonly Local<"i32">[];

  constructor(writer: FunctionWriter) {
    this.#writer = writer;
    this.#transpose = new Transpose(writer);
    this.#from = writer.locals("i32", 4);
    this.#to = writer.locals("i32", 4);
  }

  transpose(matrices: Transposed): Statement[] {
    const { rows, columns } = matrices;
    const whole = (size: I32): I32 => i32.and(size, i32.const(-4));
    const zero = i32.const(0);
    return [
      this.#writer.range(zero, whole(rows), 4, (row) => this.#fourRows(matrices, row)),
      ...this.#single(matrices, { from: whole(rows), to: rows }, { from: zero, to: columns }),
      ...this.#single(matrices, { from: zero, to: whole(rows) }, { from: whole(columns), to: columns }),
    ];
  }

  #fourRows({ from, fromRow, columns, to, toRow }: Transposed, row: I32): Statement[] {
    const set = (locals: readonly Local<"i32">[], first: I32, step: I32): Statement[] =>
      locals.map((local, i) => local.set(i === 0 ? first : i32.add(locals[i - 1]!.get, step)));
    const advance = (locals: readonly Local<"i32">[], by: I32): Statement[] =>
      locals.map((local) => local.set(i32.add(local.get, by)));
    return [
      ...set(this.#from, i32.add(from, i32.mul(row, fromRow)), fromRow),
      ...set(this.#to, i32.add(to, i32.shl(row, i32.const(2))), toRow),
      this.#writer.range(i32.const(0), i32.and(columns, i32.const(-4)), 4, () => [
        ...this.#transpose.four(
          this.#from.map(({ get }) => v128.load(get)),
          (column, i) => v128.store(this.#to[i]!.get, column),
        ),
        ...advance(this.#from, i32.const(16)),
        ...advance(this.#to, i32.shl(toRow, i32.const(2))),
      ]),
    ];
  }

  /** Word by word what is no whole four. */
  #single(
    { from, fromRow, to, toRow }: Transposed,
    rows: { readonly from: I32; readonly to: I32 },
    columns: { readonly from: I32; readonly to: I32 },
  ): Statement[] {
    const place = (start: I32, step: I32, line: I32, at: I32): I32 =>
      i32.add(start, i32.add(i32.mul(line, step), i32.shl(at, i32.const(2))));
    return [
      this.#writer.range(rows.from, rows.to, 1, (row) => [
        this.#writer.range(columns.from, columns.to, 1, (column) => [
          i32.store(place(to, toRow, column, row), i32.load(place(from, fromRow, row, column))),
        ]),
      ]),
    ];
  }
}
