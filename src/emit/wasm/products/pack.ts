import type { I32, Statement } from "../assembler/code.ts";
import { select, when } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { Transpose } from "./transpose.ts";

/** A matrix of which some columns are packed, and where to: [K][columns of a tile]; addresses and strides in bytes. */
export interface Packed {
  /** The first element of the first column. */
  readonly from: I32;
  /** From one row of the memory to the next. */
  readonly rowBytes: I32;
  readonly depth: I32;
  /** How many columns are left from the first one on: those beyond are some number that nobody reads. */
  readonly left: I32;
  readonly to: I32;
}

/** Packs columns of rows that lie as they are walked, [K, ..]. */
export class ColumnPacker {
  readonly #writer: FunctionWriter;
  readonly #width: number;
  readonly #row: Local<"i32">;
  readonly #panel: Local<"i32">;
  readonly #end: Local<"i32">;
  readonly #lanes: Local<"v128">;

  constructor(writer: FunctionWriter, width: number) {
    this.#writer = writer;
    this.#width = width;
    [this.#row, this.#panel, this.#end] = writer.locals("i32", 3) as [
      Local<"i32">,
      Local<"i32">,
      Local<"i32">,
    ];
    this.#lanes = writer.local("v128");
  }

  pack({ from, rowBytes, depth, left, to }: Packed): Statement[] {
    const [row, panel] = [this.#row, this.#panel];
    const places = Array.from({ length: this.#width / 4 }, (_, j) => 16 * j);
    const walk = (body: readonly Statement[]): Statement[] => [
      row.set(from),
      this.#end.set(i32.add(to, i32.mul(depth, i32.const(4 * this.#width)))),
      this.#writer.range(to, this.#end.get, 4 * this.#width, (at) => [
        panel.set(at),
        ...body,
        row.set(i32.add(row.get, rowBytes)),
      ]),
    ];
    const whole = walk(places.map((at) => v128.store(panel.get, v128.load(row.get, at), at)));
    const part = walk(
      places.flatMap((at, j) => [
        ...loadLanes(this.#lanes, row.get, i32.sub(left, i32.const(4 * j)), at),
        v128.store(panel.get, this.#lanes.get, at),
      ]),
    );
    if (left.known !== undefined) return left.known >= this.#width ? whole : part;
    return [when(i32.ge_s(left, i32.const(this.#width)), whole, part)];
  }
}

/** Four floats, or as many as there are. */
function loadLanes(to: Local<"v128">, at: I32, count: I32, offset: number): Statement[] {
  return [
    to.set(v128.zero),
    when(
      i32.ge_s(count, i32.const(4)),
      [to.set(v128.load(at, offset))],
      [0, 1, 2].map((lane) =>
        when(i32.gt_s(count, i32.const(lane)), [
          to.set(v128.load32_lane(at, to.get, lane, offset + 4 * lane)),
        ]),
      ),
    ),
  ];
}

/** Packs columns that lie one after the other, [.., K]: 4 × 4 elements are transposed at a time. */
export class RowPacker {
  readonly #writer: FunctionWriter;
  readonly #width: number;
  readonly #rows: readonly Local<"i32">[];
  readonly #transpose: Transpose;
  readonly #panel: Local<"i32">;

  constructor(writer: FunctionWriter, width: number) {
    this.#writer = writer;
    this.#width = width;
    this.#rows = writer.locals("i32", 4);
    this.#transpose = new Transpose(writer);
    this.#panel = writer.local("i32");
  }

  pack(packed: Packed): Statement[] {
    return Array.from({ length: this.#width / 4 }, (_, j) => this.#packFour(packed, 4 * j)).flat();
  }

  /** Columns `first` to `first` + 3; in place of one that is not there the last one is read. */
  #packFour({ from, rowBytes, depth, left, to }: Packed, first: number): Statement[] {
    const [rows, panel] = [this.#rows, this.#panel];
    const column = (c: number): I32 => {
      const last = i32.sub(left, i32.const(1));
      const index = i32.const(first + c);
      if (left.known !== undefined) return i32.const(Math.min(first + c, left.known - 1));
      return select(i32.lt_s(index, last), index, last);
    };
    const step = (floats: number): Statement[] => [
      ...rows.map((row) => row.set(i32.add(row.get, i32.const(4 * floats)))),
      panel.set(i32.add(panel.get, i32.const(4 * this.#width * floats))),
    ];
    const [whole, rest] = [i32.and(depth, i32.const(-4)), i32.and(depth, i32.const(3))];
    return [
      ...rows.map((row, c) => row.set(i32.add(from, i32.mul(rowBytes, column(c))))),
      panel.set(i32.add(to, i32.const(4 * first))),
      this.#writer.range(i32.const(0), whole, 4, () => [
        ...this.#transpose.four(
          rows.map(({ get }) => v128.load(get)),
          (lanes, i) => v128.store(panel.get, lanes, 4 * this.#width * i),
        ),
        ...step(4),
      ]),
      this.#writer.range(i32.const(0), rest, 1, () => [
        v128.store(
          panel.get,
          rows
            .slice(1)
            .reduce(
              (lanes, row, c) => v128.load32_lane(row.get, lanes, c + 1),
              v128.load32_zero(rows[0]!.get),
            ),
        ),
        ...step(1),
      ]),
    ];
  }
}
