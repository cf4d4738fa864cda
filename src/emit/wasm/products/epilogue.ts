import { rowStep, type View } from "../../../kernels/view.ts";
import type { ScalarExpression } from "../../../ops/scalar.ts";
import { append } from "../../../support/lists.ts";
import { constantDim, dim, multiplyDims } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { applyProgram } from "../functions/apply.ts";
import { asFloats, floats, wholes, type Lanes } from "../functions/lanes.ts";
import type { Body, Wide } from "../functions/wide.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { Place, TILE_BYTES } from "./place.ts";
import { VECTORS, type Tile, type TileAt } from "./tile.ts";

/** What an epilogue reads beside the product: a lone number, a row that all rows share, or an element for each of the result. */
type Extra = { readonly isFloat: boolean } & ({ readonly lone: I32 } | { readonly place: Place });

/** How many bytes of its own a thread needs for an epilogue with so many extras whose last panel is not full. */
export const asideBytes = (extras: number): number => TILE_BYTES * (extras + 1);

/** Ends each tile of a product: the scalar program on its sums in registers, then the store. */
export class Epilogue {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  readonly #program: ScalarExpression;
  readonly #extras: readonly Extra[];
  readonly #out: Place;

  /** `out`: where the result lies, [rows, columns]; `aside`: memory for tiles that reach beyond the columns, if any does. */
  constructor(
    k: KernelWriter,
    phase: Phase,
    program: ScalarExpression,
    extras: readonly View[],
    out: { readonly address: I32; readonly rowBytes: I32; readonly aside: I32 | undefined },
  ) {
    this.#k = k;
    this.#phase = phase;
    this.#program = program;
    const aside = (index: number): I32 | undefined =>
      out.aside && i32.add(out.aside, i32.const(TILE_BYTES * index));
    this.#extras = extras.map((extra, index) => {
      const address = k.address(extra)(phase);
      if (constantDim(elementsOf(extra.type)) === 1)
        return { isFloat: isFloat(extra.type.dtype), lone: address };
      const isRow = extra.type.shape.length === 1;
      const rowBytes = isRow ? i32.const(0) : k.size(multiplyDims(dim(4), rowStep(extra)))(phase);
      return { isFloat: isFloat(extra.type.dtype), place: new Place(phase, address, rowBytes, aside(index)) };
    });
    this.#out = new Place(phase, out.address, out.rowBytes, aside(extras.length));
  }

  finish(tile: Tile, at: TileAt): Statement[] {
    const places = this.#extras.flatMap((extra) => ("place" in extra ? [extra.place] : []));
    return [
      ...places.flatMap((place) => place.read(at)),
      ...this.#out.write(at),
      ...tile.sums.slice(0, at.rows).flatMap((sums, row) =>
        this.#finishRow(
          sums.map((sum) => sum.get),
          row,
        ),
      ),
      ...this.#out.written(at),
    ];
  }

  #finishRow(sums: Wide, row: number): Statement[] {
    const statements: Statement[] = [];
    const body: Body = {
      machine: this.#k.machine,
      constants: this.#k.constants,
      writer: this.#phase,
      push: (...more) => {
        append(statements, more);
      },
    };
    const width = this.#k.machine.unroll === 1 ? 1 : VECTORS;
    for (let first = 0; first < VECTORS; first += width) {
      const vectors = Array.from({ length: width }, (_, j) => first + j);
      const extras = this.#extras.map((extra): Lanes => {
        const load = (j: number): V128 =>
          "lone" in extra ? v128.load32_splat(extra.lone) : extra.place.load(row, j);
        return (extra.isFloat ? floats : wholes)(vectors.map(load));
      });
      const product = floats(vectors.map((j) => sums[j]!));
      const values = asFloats(applyProgram(this.#program, [product, ...extras], body), body);
      append(
        statements,
        vectors.map((j, index) => this.#out.store(row, j, values[index]!)),
      );
    }
    return statements;
  }
}
