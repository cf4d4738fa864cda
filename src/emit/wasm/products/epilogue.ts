import { rowStep, type View } from "../../../kernels/view.ts";
import { scalarFunctions, type ScalarExpression } from "../../../ops/scalar.ts";
import { append } from "../../../support/lists.ts";
import { constantDim, dim, multiplyDims } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { applyProgram } from "../functions/apply.ts";
import { asFloats, floats, wholes, type Lanes } from "../functions/lanes.ts";
import type { Body } from "../functions/wide.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { Place, TILE_BYTES, type PlaceOptions } from "./place.ts";
import type { Tile, TileAt } from "./tile.ts";

/** What an epilogue reads beside the product: a lone number, a row that all rows share, or an element for each of the result. */
type Extra = { readonly isFloat: boolean } & ({ readonly lone: I32 } | { readonly place: Place });

/** Vectors that a function is written out for: three take as long as six. Two where a tile has no three. */
const functionVectors = ({ width }: Tile): number => ((width / 4) % 3 === 0 ? 3 : 2);

/** How many bytes of its own a thread needs for an epilogue with so many extras. */
export const asideBytes = (extras: number): number => TILE_BYTES * (extras + 2);

/** Ends each tile of a product: the scalar program on its sums, then the store. */
export class Epilogue {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  readonly #program: ScalarExpression;
  readonly #extras: readonly Extra[];
  readonly #out: Place;
  readonly #sums: I32;

  /** `own`: `asideBytes` of memory; `isPartial`: whether there are tiles that reach beyond the columns. */
  constructor(
    k: KernelWriter,
    phase: Phase,
    program: ScalarExpression,
    extras: readonly View[],
    out: Omit<PlaceOptions, "aside"> & { readonly own: I32; readonly isPartial: boolean },
  ) {
    const { own, isPartial, width } = out;
    const memory = (index: number): I32 => phase.still(i32.add(own, i32.const(TILE_BYTES * index)));
    const aside = (index: number): I32 | undefined => (isPartial ? memory(index) : undefined);
    this.#k = k;
    this.#phase = phase;
    this.#program = program;
    this.#sums = memory(0);
    this.#out = new Place(phase, { ...out, aside: aside(1) });
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

  /** What follows the sums of a tile. */
  finish(tile: Tile, at: TileAt): Statement[] {
    const isSimple = this.#program.steps.every(({ op }) => scalarFunctions[op].flops <= 1);
    return [
      ...this.#places.flatMap((place) => place.read(at)),
      ...this.#out.write(at),
      ...(isSimple ? this.#inRegisters(tile, at) : this.#inMemory(tile, at)),
      ...this.#out.written(at),
    ];
  }

  get #places(): readonly Place[] {
    return this.#extras.flatMap((extra) => ("place" in extra ? [extra.place] : []));
  }

  #inRegisters(tile: Tile, { rows }: TileAt): Statement[] {
    return tile.sums.slice(0, rows).flatMap((sums, row) => {
      const vectors = sums.map((_, j) => 16 * j);
      const product = sums.map((sum) => sum.get);
      return this.#apply(product, row, vectors, i32.const(0));
    });
  }

  /** A long program is written out for some vectors only: it would be most of the code, and spill. */
  #inMemory(tile: Tile, { rows }: TileAt): Statement[] {
    const vectors = Array.from(
      { length: this.#k.machine.unroll === 1 ? 1 : functionVectors(tile) },
      (_, j) => 16 * j,
    );
    const sums = tile.sums.slice(0, rows);
    const rowBytes = 4 * tile.width;
    return [
      ...sums.flatMap((row, i) =>
        row.map((sum, j) => v128.store(this.#sums, sum.get, rowBytes * i + 16 * j)),
      ),
      ...sums.map((_, row) =>
        this.#phase.range(i32.const(0), i32.const(rowBytes), 16 * vectors.length, (offset) => {
          const from = i32.add(this.#sums, offset);
          const product = vectors.map((at) => v128.load(from, rowBytes * row + at));
          return this.#apply(product, row, vectors, offset);
        }),
      ),
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
