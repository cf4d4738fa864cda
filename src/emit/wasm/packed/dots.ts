import { ROW_UNIT } from "../../../tensor/quantized.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i16x8, i32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { multiplyAdd, type Machine } from "../machine.ts";
import { GROUP, type PackedMatrix } from "./layout.ts";
import { BESIDE_BYTES, ROUNDED_BYTES } from "./rounding.ts";

/** Four sums of one group of rows, times rounded activations. */
export class Dots {
  readonly #machine: Machine;
  readonly #constants: KernelWriter["constants"];
  readonly #phase: Phase;
  readonly #matrix: PackedMatrix;
  readonly #x: readonly Local<"v128">[];
  readonly #rows: readonly Local<"v128">[];
  /** The sums of the last half of each row, where its blocks are of 16. */
  readonly #lasts: readonly Local<"v128">[];
  readonly #codes: Local<"v128">;
  readonly #xAt: Local<"i32">;
  readonly #besideAt: Local<"i32">;

  constructor(k: KernelWriter, phase: Phase, matrix: PackedMatrix) {
    this.#machine = k.machine;
    this.#constants = k.constants;
    this.#phase = phase;
    this.#matrix = matrix;
    this.#x = phase.locals("v128", 4);
    this.#rows = phase.locals("v128", GROUP);
    this.#lasts = phase.locals("v128", matrix.form.block === 16 ? GROUP : 0);
    this.#codes = phase.local("v128");
    [this.#xAt, this.#besideAt] = phase.locals("i32", 2) as [Local<"i32">, Local<"i32">];
  }

  /** to = the products of a group's rows with a row of codes and what stands beside them. */
  multiply(group: I32, codes: I32, beside: I32, to: Local<"v128">): Statement[] {
    const [xAt, besideAt] = [this.#xAt, this.#besideAt];
    return [
      ...this.#matrix.enter(group),
      xAt.set(codes),
      besideAt.set(beside),
      to.set(v128.zero),
      this.#phase.range(i32.const(0), this.#matrix.units, 1, () => [
        ...this.#x.map((x, i) => x.set(v128.load(xAt.get, 16 * i))),
        ...(this.#matrix.form.bits === 8 ? this.#bytes() : this.#nibbles()),
        ...this.#take(to),
        ...this.#matrix.step(),
        xAt.set(i32.add(xAt.get, i32.const(ROUNDED_BYTES))),
        besideAt.set(i32.add(besideAt.get, i32.const(BESIDE_BYTES))),
      ]),
    ];
  }

  /** The products of a row, eight at a time, each two of them added. */
  #bytes(): Statement[] {
    const dot = (row: number, part: number): V128 =>
      i32x4.dot_i16x8_s(v128.load8x8_s(this.#matrix.codes, ROW_UNIT * row + 8 * part), this.#x[part]!.get);
    return this.#rows.flatMap((sum, row) => {
      const [first, last] = [i32x4.add(dot(row, 0), dot(row, 1)), i32x4.add(dot(row, 2), dot(row, 3))];
      const lasts = this.#lasts[row];
      return lasts === undefined ? [sum.set(i32x4.add(first, last))] : [sum.set(first), lasts.set(last)];
    });
  }

  /** The same of 4-bit codes: each fourth of them is taken out of its place in all halves of words at once. */
  #nibbles(): Statement[] {
    const codes = this.#codes;
    const mask = this.#constants.splatWord(0x000f000f);
    const part = (i: number): V128 => {
      const moved = i === 0 ? codes.get : i16x8.shr_u(codes.get, i32.const(4 * i));
      return i === 3 ? moved : v128.and(moved, mask);
    };
    const dot = (i: number): V128 => i32x4.dot_i16x8_s(part(i), this.#x[i]!.get);
    return this.#rows.flatMap((sum, row) => [
      codes.set(v128.load(this.#matrix.codes, this.#matrix.rowBytes * row)),
      sum.set(i32x4.add(i32x4.add(dot(0), dot(1)), i32x4.add(dot(2), dot(3)))),
    ]);
  }

  /** Adds the sums of a unit, each with the scales of its block. */
  #take(to: Local<"v128">): Statement[] {
    const { form, hasMinimums } = this.#matrix;
    const isHalved = form.block === 16;
    const total = this.#codes;
    const take = (sums: V128, block: number): Statement[] => [
      total.set(f32x4.mul(this.#matrix.scales(block), this.#beside(0))),
      to.set(multiplyAdd(this.#machine, f32x4.convert_i32x4_s(sums), total.get, to.get)),
      ...(hasMinimums
        ? [
            to.set(
              multiplyAdd(
                this.#machine,
                this.#matrix.minimums(block),
                this.#beside(isHalved ? 1 + block : 3),
                to.get,
              ),
            ),
          ]
        : []),
    ];
    if (form.bits === 8) {
      const first = take(this.#across(this.#rows), 0);
      return isHalved ? [...first, ...take(this.#across(this.#lasts), 1)] : first;
    }
    return this.#takeHalves(take, isHalved);
  }

  /** Of 4-bit codes the first two lanes of a row are those of its first half. */
  #takeHalves(take: (sums: V128, block: number) => Statement[], isHalved: boolean): Statement[] {
    const [a, b, c, d] = this.#rows as readonly [Local<"v128">, Local<"v128">, Local<"v128">, Local<"v128">];
    const pairs = (x: V128, y: V128): V128 =>
      i32x4.add(v128.shuffle(x, y, [0, 4, 2, 6]), v128.shuffle(x, y, [1, 5, 3, 7]));
    const [first, last] = [
      v128.shuffle(a.get, c.get, [0, 1, 4, 5]),
      v128.shuffle(a.get, c.get, [2, 3, 6, 7]),
    ];
    return [
      a.set(pairs(a.get, b.get)),
      c.set(pairs(c.get, d.get)),
      ...(isHalved ? [...take(first, 0), ...take(last, 1)] : take(i32x4.add(first, last), 0)),
    ];
  }

  /** A number beside the codes of x, in all lanes. */
  #beside(index: number): V128 {
    return v128.load32_splat(this.#besideAt.get, 4 * index);
  }

  /** The sum of all lanes of each of four vectors. */
  #across(rows: readonly Local<"v128">[]): V128 {
    const [a, b, c, d] = rows.map(({ get }) => get) as [V128, V128, V128, V128];
    const pairs = (x: V128, y: V128): V128 =>
      i32x4.add(v128.shuffle(x, y, [0, 4, 1, 5]), v128.shuffle(x, y, [2, 6, 3, 7]));
    const [ab, cd] = [pairs(a, b), pairs(c, d)];
    const [first, second] = [rows[0]!, rows[1]!];
    // Both are read twice.
    return i32x4.add(
      v128.shuffle(first.tee(ab), second.tee(cd), [0, 1, 4, 5]),
      v128.shuffle(first.get, second.get, [2, 3, 6, 7]),
    );
  }
}
