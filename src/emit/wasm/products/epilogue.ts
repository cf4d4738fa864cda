import { rowStep, type View } from "../../../kernels/view.ts";
import { scalarFunctions, type ScalarExpression } from "../../../ops/scalar.ts";
import { append } from "../../../support/lists.ts";
import { constantDim, dim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { applyProgram } from "../functions/apply.ts";
import { asFloats, floats, wholes, type Lanes } from "../functions/lanes.ts";
import type { Body } from "../functions/wide.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { BLOCK_ROWS, type Unit } from "./nest.ts";
import { isPartial } from "./panels.ts";
import { Place, TILE_BYTES, type PlaceOptions } from "./place.ts";
import { PANEL_BYTES, type Tile, type TileAt } from "./tile.ts";

/** What an epilogue reads beside the product: a lone number, a row that all rows share, or an element for each of the result. */
type Extra = { readonly isFloat: boolean } & ({ readonly lone: I32 } | { readonly place: Place });

/** Vectors that a function is written out for: three take as long as six. Two where a tile has no three. */
const functionVectors = (width: number): number => ((width / 4) % 3 === 0 ? 3 : 2);

/** Whether a program is written out once in a kernel, for some vectors: it would be most of the code, and spill. */
const isLong = (program: ScalarExpression): boolean =>
  program.steps.some(({ op }) => scalarFunctions[op].flops > 1);

const tileBytes = (extras: number): number => TILE_BYTES * (extras + 2);

/** How many bytes of its own a thread needs for an epilogue with so many extras. */
export const asideBytes = (program: ScalarExpression, extras: number): number =>
  tileBytes(extras) + (isLong(program) ? BLOCK_ROWS * PANEL_BYTES : 0);

/** Where the result of a product lies, of which an epilogue writes the elements. */
interface Result extends Omit<PlaceOptions, "aside"> {
  readonly columns: Dim;
  /** Whether columns that are no whole tile have a tile of their own. */
  readonly hasLast: boolean;
  /** `asideBytes` of memory. */
  readonly own: I32;
}

/** Ends a product: the scalar program on its sums, then the store. A short program is part of each tile, a long one goes over a unit's sums. */
export class Epilogue {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  readonly #program: ScalarExpression;
  readonly #extras: readonly Extra[];
  readonly #out: Place;
  readonly #isLong: boolean;
  readonly #width: number;
  /** The sums of a unit, if the program is long. */
  readonly #sums: I32;

  constructor(
    k: KernelWriter,
    phase: Phase,
    program: ScalarExpression,
    extras: readonly View[],
    result: Result,
  ) {
    const { own, width, columns, hasLast } = result;
    this.#k = k;
    this.#phase = phase;
    this.#program = program;
    this.#isLong = isLong(program);
    this.#width = width;
    const memory = (bytes: number): I32 => phase.still(i32.add(own, i32.const(bytes)));
    const isAside = isPartial(columns, width) && (this.#isLong || !hasLast);
    const aside = (index: number): I32 | undefined => (isAside ? memory(TILE_BYTES * index) : undefined);
    this.#sums = this.#isLong ? memory(tileBytes(extras.length)) : own;
    this.#out = new Place(phase, { ...result, aside: aside(1) });
    this.#extras = extras.map((extra, index) => {
      const address = k.address(extra)(phase);
      const read = { isFloat: isFloat(extra.type.dtype) };
      if (constantDim(elementsOf(extra.type)) === 1) return { ...read, lone: address };
      const isRow = extra.type.shape.length === 1;
      const rowBytes = isRow ? i32.const(0) : k.size(multiplyDims(dim(4), rowStep(extra)))(phase);
      return {
        ...read,
        place: new Place(phase, { address, rowBytes, width, aside: aside(index + 2) }),
      };
    });
  }

  /** What follows the sums of a tile of a unit. */
  finish(tile: Tile, at: TileAt, unit: Unit): Statement[] {
    const sums = tile.sums.slice(0, at.rows);
    if (this.#isLong) {
      const to = this.#sumsAt(at.row, unit);
      return sums.flatMap((row, i) =>
        row.map((sum, j) => v128.store(to, sum.get, 4 * this.#width * i + 16 * j)),
      );
    }
    const program = sums.flatMap((row, i) => {
      const vectors = row.map((_, j) => 16 * j);
      return this.#apply(
        row.map(({ get }) => get),
        i,
        vectors,
        i32.const(0),
      );
    });
    return this.#inPlace(at, program);
  }

  /** What follows the tiles of a unit. */
  finishUnit(unit: Unit): Statement[] {
    if (!this.#isLong) return [];
    const { column, left, rows } = unit;
    const width = i32.const(4 * this.#width);
    const count = this.#k.machine.unroll === 1 ? 1 : functionVectors(this.#width);
    const vectors = Array.from({ length: count }, (_, j) => 16 * j);
    const sums = this.#phase.local("i32");
    return [
      this.#phase.range(rows.from, rows.to, 1, (row) => [
        sums.set(this.#sumsAt(row, unit)),
        ...this.#inPlace({ row, rows: 1, column, left }, [
          this.#phase.range(i32.const(0), width, 16 * count, (offset) => {
            const from = i32.add(sums.get, offset);
            const product = vectors.map((at) => v128.load(from, at));
            return this.#apply(product, 0, vectors, offset);
          }),
        ]),
      ]),
    ];
  }

  #sumsAt(row: I32, unit: Unit): I32 {
    return i32.add(this.#sums, i32.mul(i32.sub(row, unit.rows.from), i32.const(4 * this.#width)));
  }

  /** The program where tensors lie, or aside. */
  #inPlace(at: TileAt, program: readonly Statement[]): Statement[] {
    const places = this.#extras.flatMap((extra) => ("place" in extra ? [extra.place] : []));
    return [
      ...places.flatMap((place) => place.read(at)),
      ...this.#out.write(at),
      ...program,
      ...this.#out.written(at),
    ];
  }

  /** The program on vectors of a row, `offset` and their own bytes from its start. */
  #apply(product: readonly V128[], row: number, vectors: readonly number[], offset: I32): Statement[] {
    const statements: Statement[] = [];
    const body: Body = {
      machine: this.#k.machine,
      constants: this.#k.constants,
      writer: this.#phase,
      push: (...more) => {
        append(statements, more);
      },
    };
    const extras = this.#extras.map((extra): Lanes => {
      const load = (at: number): V128 =>
        "lone" in extra ? v128.load32_splat(extra.lone) : extra.place.load(row, offset, at);
      return (extra.isFloat ? floats : wholes)(vectors.map(load));
    });
    const values = asFloats(applyProgram(this.#program, [floats(product), ...extras], body), body);
    append(
      statements,
      vectors.map((at, index) => this.#out.store(row, offset, at, values[index]!)),
    );
    return statements;
  }
}
