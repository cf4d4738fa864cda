import { append } from "../../../support/lists.ts";
import { ROW_UNIT } from "../../../tensor/quantized.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { multiplyAdd, type Machine } from "../machine.ts";
import { GROUP_VECTORS, type PackedMatrix } from "./layout.ts";
import type { Products } from "./products.ts";
import { BESIDE_BYTES, besides, codeBytes } from "./rounding.ts";

/** Where a group is read, and the sums of its products, by row of x and vector. */
interface Group {
  readonly matrix: PackedMatrix;
  readonly to: readonly (readonly Local<"v128">[])[];
}

/** Which products of a block are added. */
interface Taken {
  readonly matrix: PackedMatrix;
  readonly row: number;
  readonly vector: number;
  readonly block: number;
}

/** A group of rows of a weight times some rows of rounded activations. */
export class Dots {
  readonly #machine: Machine;
  readonly #constants: KernelWriter["constants"];
  readonly #phase: Phase;
  readonly #matrix: PackedMatrix;
  readonly #products: Products;
  readonly #codes: readonly Local<"v128">[];
  readonly #factor: Local<"v128">;
  /** By row, vector of the group, and vector of sums. */
  readonly #sums: readonly (readonly (readonly Local<"v128">[])[])[];
  readonly #xAt: Places;
  readonly #besideAt: Places;

  /** `lie`: the rows of x lie side by side, or each wherever it is. */
  constructor(
    k: KernelWriter,
    phase: Phase,
    matrix: PackedMatrix,
    products: Products,
    rows: number,
    lie: "together" | "apart" = "together",
  ) {
    this.#machine = k.machine;
    this.#constants = k.constants;
    this.#phase = phase;
    this.#matrix = matrix;
    this.#products = products;
    this.#codes = phase.locals("v128", GROUP_VECTORS);
    this.#factor = phase.local("v128");
    this.#sums = Array.from({ length: rows }, () =>
      Array.from({ length: GROUP_VECTORS }, () => phase.locals("v128", products.sums)),
    );
    const places = (each: number): Places =>
      new Places(phase, each, matrix.units, lie === "apart" ? rows : 1);
    this.#xAt = places(codeBytes(products.rounded));
    this.#besideAt = places(BESIDE_BYTES);
  }

  /** to = the products of the group of a column with rows of codes and what stands beside them, by row and vector. */
  multiply(
    column: I32,
    codes: FirstRow,
    beside: FirstRow,
    to: readonly (readonly Local<"v128">[])[],
  ): Statement[] {
    return this.#multiply(column, codes, beside, [{ matrix: this.#matrix, to }]);
  }

  /** The same of one row with groups that are so many apart, of each of which a unit is multiplied in turn; by group and vector. */
  multiplyApart(
    column: I32,
    codes: FirstRow,
    beside: FirstRow,
    apart: number,
    to: readonly (readonly Local<"v128">[])[],
  ): Statement[] {
    const groups = to.map((sums, index) => ({ matrix: this.#matrix.ahead(apart * index), to: [sums] }));
    return this.#multiply(column, codes, beside, groups);
  }

  #multiply(column: I32, codes: FirstRow, beside: FirstRow, groups: readonly Group[]): Statement[] {
    const [xAt, besideAt] = [this.#xAt, this.#besideAt];
    const { block } = this.#matrix.form;
    const rows = groups[0]!.to.length;
    const blocks = Array.from({ length: ROW_UNIT / block }, (_, at) => at);
    return [
      ...this.#matrix.enter(column),
      ...xAt.enter(codes, rows),
      ...besideAt.enter(beside, rows),
      ...groups.flatMap(({ to }) => to.flat().map((sum) => sum.set(v128.zero))),
      ...this.#withConstants(() =>
        this.#phase.range(i32.const(0), this.#matrix.units, 1, () => [
          ...groups.flatMap((group) => blocks.flatMap((at) => this.#block(at, group))),
          ...this.#matrix.step(),
          ...xAt.step(rows),
          ...besideAt.step(rows),
        ]),
      ),
    ];
  }

  /** A loop, with its constants in variables that are set before it. */
  #withConstants(make: () => Statement): Statement[] {
    const before: Statement[] = [];
    const writing = { writer: this.#phase, push: (...more: readonly Statement[]) => append(before, more) };
    const made = this.#constants.loadedOnce(writing, make);
    return [...before, made];
  }

  /** The products of a block of the unit, each with its scales. */
  #block(block: number, { matrix, to }: Group): Statement[] {
    const { steps, factor, add } = this.#products;
    const blocks = ROW_UNIT / this.#matrix.form.block;
    const own = steps.slice((block * steps.length) / blocks, ((block + 1) * steps.length) / blocks);
    return [
      ...this.#sums
        .slice(0, to.length)
        .flatMap((vectors, row) => vectors.flat().map((sum) => sum.set(this.#start(row, block)))),
      ...own.flatMap(({ codes, factors }) => [
        ...this.#codes.map((code, vector) => code.set(codes(matrix, vector))),
        ...factors.flatMap(({ at, sum: index }) =>
          to.flatMap((_, row) => [
            this.#factor.set(factor(...this.#xAt.of(row, at))),
            ...this.#codes.map((code, vector) => {
              const sum = this.#sums[row]![vector]![index]!;
              return sum.set(add(code.get, this.#factor.get, sum.get));
            }),
          ]),
        ),
      ]),
      ...matrix.readBeside(block),
      ...to.flatMap((sums, row) => [
        this.#factor.set(this.#beside(row, besides.scale)),
        ...sums.map((sum, vector) => this.#take({ matrix, row, vector, block }, sum)),
        ...(matrix.hasMinimums
          ? [
              this.#factor.set(this.#beside(row, besides.sum(this.#index(block)))),
              ...sums.map((sum, vector) => this.#add(matrix.minimums(block, vector), this.#factor.get, sum)),
            ]
          : []),
      ]),
    ];
  }

  /** Where sums begin. */
  #start(row: number, block: number): V128 {
    return this.#products.offset === 0 ? v128.zero : this.#beside(row, besides.offset(this.#index(block)));
  }

  /** Adds the products of a block, with its scales; that of x is at hand. */
  #take({ matrix, row, vector, block }: Taken, to: Local<"v128">): Statement {
    const scale = f32x4.mul(matrix.scales(block, vector), this.#factor.get);
    const sums = this.#sums[row]![vector]!.map(({ get }) => get);
    return this.#add(f32x4.convert_i32x4_s(this.#products.finish(sums)), scale, to);
  }

  #add(x: V128, y: V128, to: Local<"v128">): Statement {
    return to.set(multiplyAdd(this.#machine, x, y, to.get));
  }

  /** Which of the sums of a unit of x is that of a block. */
  #index(block: number): 0 | 1 | 2 {
    return this.#matrix.form.block === ROW_UNIT ? 2 : block === 0 ? 0 : 1;
  }

  /** A number beside the codes of a row of x, in all lanes. */
  #beside(row: number, at: number): V128 {
    return v128.load32_splat(...this.#besideAt.of(row, at));
  }
}

/** Where the first of some rows lies, and how far from it the second, if they do not lie side by side. */
interface FirstRow {
  readonly at: I32;
  readonly step?: I32;
}

/** Where rows of x are read: of rows side by side the first alone is kept. */
class Places {
  readonly #each: number;
  readonly #units: I32;
  readonly #rows: readonly Local<"i32">[];

  /** `each`: bytes of a unit, of which a row has `units`. */
  constructor(phase: Phase, each: number, units: I32, rows: number) {
    this.#each = each;
    this.#units = units;
    this.#rows = phase.locals("i32", rows);
  }

  enter({ at, step }: FirstRow, rows: number): Statement[] {
    return this.#rows
      .slice(0, rows)
      .map((place, row) => place.set(row === 0 ? at : i32.add(this.#rows[row - 1]!.get, step!)));
  }

  step(rows: number): Statement[] {
    return this.#rows.slice(0, rows).map((place) => place.set(i32.add(place.get, i32.const(this.#each))));
  }

  /** What lies `at` bytes from where a row is read: an address, and an offset from it. */
  of(row: number, at: number): [address: I32, offset: number] {
    if (this.#rows.length > 1) return [this.#rows[row]!.get, at];
    return [this.#rows[0]!.get, at + (row === 0 ? 0 : row * this.#each * this.#units.known!)];
  }
}
