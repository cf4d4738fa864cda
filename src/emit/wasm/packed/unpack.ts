import { fifthBit, ROW_UNIT } from "../../../tensor/quantized.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i16x8, i32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import type { Unit } from "../products/nest.ts";
import { FIFTHS, fifthsAt, withoutZero } from "./fifths.ts";
import { unitWords, type PackedMatrix } from "./layout.ts";

/** scale · code + minimum, each rounded. */
const element = (code: V128, scale: V128, minimum: V128 | undefined): V128 => {
  const product = f32x4.mul(scale, f32x4.convert_i32x4_s(code));
  return minimum === undefined ? product : f32x4.add(product, minimum);
};

/** Unpacks the columns of a tile of a product, [K][columns], four at a time: a lane is a row of the weight. */
export class ColumnUnpacker {
  readonly #phase: Phase;
  readonly #matrix: PackedMatrix;
  readonly #constants: KernelWriter["constants"];
  readonly #words: Local<"v128">;
  readonly #fifths: Local<"v128"> | undefined;
  readonly #scale: Local<"v128">;
  readonly #minimum: Local<"v128"> | undefined;
  readonly #to: Local<"i32">;

  constructor({ constants }: KernelWriter, phase: Phase, matrix: PackedMatrix) {
    this.#phase = phase;
    this.#matrix = matrix;
    this.#constants = constants;
    this.#fifths = matrix.form.bits === 5 ? phase.local("v128") : undefined;
    [this.#words, this.#scale] = phase.locals("v128", 2) as [Local<"v128">, Local<"v128">];
    this.#minimum = matrix.hasMinimums ? phase.local("v128") : undefined;
    this.#to = phase.local("i32");
  }

  /** The columns of a unit of the product, `width` of them, of which those that are not there are left as they are. */
  unpack({ column, left }: Unit, width: number, to: I32): Statement[] {
    return Array.from({ length: width / 4 }, (_, four) =>
      when(i32.gt_s(left, i32.const(4 * four)), [
        ...this.#matrix.enter(i32.add(column, i32.const(4 * four))),
        this.#to.set(i32.add(to, i32.const(16 * four))),
        this.#phase.range(i32.const(0), this.#matrix.units, 1, () => [
          ...this.#unit(4 * width),
          ...this.#matrix.step(),
          this.#to.set(i32.add(this.#to.get, i32.const(4 * width * ROW_UNIT))),
        ]),
      ]),
    );
  }

  #unit(stepBytes: number): Statement[] {
    const { bits, block } = this.#matrix.form;
    const words = bits === 5 ? FIFTHS : unitWords(this.#matrix.form);
    const perWord = ROW_UNIT / words;
    return Array.from({ length: words }, (_, word) => {
      const first = word * perWord;
      return [
        ...(word > 0 || this.#fifths === undefined ? [] : [this.#fifths.set(this.#matrix.words(FIFTHS))]),
        ...(first % block === 0 ? this.#setScales(first / block) : []),
        this.#words.set(this.#matrix.words(word)),
        ...Array.from({ length: perWord }, (_, j) =>
          v128.store(
            this.#to.get,
            element(this.#code(word, j), this.#scale.get, this.#minimum?.get),
            stepBytes * (first + j),
          ),
        ),
      ];
    }).flat();
  }

  #setScales(block: number): Statement[] {
    return [
      ...this.#matrix.readBeside(block, 1),
      this.#scale.set(this.#matrix.scales(block)),
      ...(this.#minimum === undefined ? [] : [this.#minimum.set(this.#matrix.minimums(block))]),
    ];
  }

  /** Code j of each word at hand, which is a unit's so many words on. */
  #code(word: number, j: number): V128 {
    const words = this.#words.get;
    const bits = this.#fifths === undefined ? this.#matrix.form.bits : 4;
    const top = i32x4.shl(words, i32.const(32 - bits * (j + 1)));
    const code = (bits === 8 ? i32x4.shr_s : i32x4.shr_u)(top, i32.const(32 - bits));
    if (this.#fifths === undefined) return code;
    const high = fifthsAt(this.#fifths.get, (ROW_UNIT / FIFTHS) * word + j, 16, this.#constants);
    return withoutZero(v128.or(code, high), this.#matrix.form.zero, this.#constants);
  }
}

/** Unpacks one row of a matrix. */
export class RowUnpacker {
  readonly #phase: Phase;
  readonly #matrix: PackedMatrix;
  readonly #constants: KernelWriter["constants"];
  readonly #scale: Local<"v128">;
  readonly #minimum: Local<"v128"> | undefined;
  readonly #to: Local<"i32">;

  constructor(k: KernelWriter, phase: Phase, matrix: PackedMatrix) {
    this.#phase = phase;
    this.#matrix = matrix;
    this.#constants = k.constants;
    this.#to = phase.local("i32");
    this.#scale = phase.local("v128");
    this.#minimum = matrix.hasMinimums ? phase.local("v128") : undefined;
  }

  unpack(row: I32, to: I32): Statement[] {
    return [
      ...this.#matrix.enter(row),
      this.#to.set(to),
      this.#phase.range(i32.const(0), this.#matrix.units, 1, () => [
        ...this.#unit(),
        ...this.#matrix.step(),
        this.#to.set(i32.add(this.#to.get, i32.const(4 * ROW_UNIT))),
      ]),
    ];
  }

  #unit(): Statement[] {
    const { bits, block } = this.#matrix.form;
    return Array.from({ length: ROW_UNIT / 4 }, (_, four) => {
      const isFirst = (4 * four) % block === 0;
      const value = bits === 8 ? this.#bytes(four) : bits === 5 ? this.#fives(four) : this.#nibbles(four);
      return [
        ...(isFirst ? this.#matrix.readRow((4 * four) / block, this.#scale, this.#minimum) : []),
        v128.store(this.#to.get, element(value, this.#scale.get, this.#minimum?.get), 16 * four),
      ];
    }).flat();
  }

  /** Four codes of 8 bits. */
  #bytes(four: number): V128 {
    const word = this.#matrix.rowWord(four, v128.load32_zero);
    return i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(word));
  }

  /** Four codes of 4 bits: of their 16 bits each lane keeps its own, in its place, and is multiplied down. */
  #nibbles(four: number): V128 {
    const word = this.#matrix.rowWord(four >> 1, v128.load32_splat);
    const moved = four % 2 === 0 ? word : i32x4.shr_u(word, i32.const(16));
    const lanes = [0, 1, 2, 3].map((lane) => 4 * lane);
    const table = Int32Array.from(lanes, (bits) => 1 << (12 - bits));
    const up = v128.load(i32.const(0), this.#constants.address(new Uint8Array(table.buffer)));
    // Each lane's four bits come to stand from bit 12 on.
    return i32x4.shr_u(i32x4.shl(i32x4.mul(moved, up), i32.const(16)), i32.const(28));
  }
  /** Four codes of 5 bits: the fifth bit of each is multiplied up to the sign of its lane. */
  #fives(four: number): V128 {
    const word = this.#matrix.rowWord(FIFTHS, v128.load32_splat);
    const table = Int32Array.from([0, 1, 2, 3], (lane) => 1 << (31 - fifthBit(4 * four + lane)));
    const up = v128.load(i32.const(0), this.#constants.address(new Uint8Array(table.buffer)));
    const high = v128.and(i32x4.shr_u(i32x4.mul(word, up), i32.const(27)), this.#constants.splatWord(16));
    return withoutZero(v128.or(this.#nibbles(four), high), this.#matrix.form.zero, this.#constants);
  }
}
