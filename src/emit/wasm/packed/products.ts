import { ROW_UNIT } from "../../../tensor/quantized.ts";
import type { I32, V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { i16x8, i32x4, i8x16, v128 } from "../assembler/simd.ts";
import type { KernelWriter } from "../kernel.ts";
import { FIFTHS, fifthsAt } from "./fifths.ts";
import type { Form, PackedMatrix } from "./layout.ts";
import type { RoundedForm } from "./rounding.ts";

/** Codes of a unit of four rows of a weight, and what of x they are multiplied with. */
interface Step {
  /** Which of the unit's steps. */
  readonly codes: (matrix: PackedMatrix, vector: number) => V128;
  /** Places of x, in bytes from those of the unit, and the sum that the products are added to. */
  readonly factors: readonly { readonly at: number; readonly sum: number }[];
}

/**
 * How codes and rounded activations are multiplied and summed as whole numbers, exactly. With relaxed SIMD four neighbours of
 * each row at a time, which asks for a factor of 0 to 127: what it gives is the same on all machines, as no two products that are
 * neighbours go beyond the 16 bits in which some machines sum them.
 */
export interface Products {
  readonly rounded: RoundedForm;
  readonly steps: readonly Step[];
  /** Vectors of sums of four rows. */
  readonly sums: number;
  /** Some of x at a place, in all rows. */
  readonly factor: (at: I32, offset: number) => V128;
  /** The sum with the products of codes and a factor. */
  readonly add: (codes: V128, factor: V128, sum: V128) => V128;
  /** A lane a row. */
  readonly finish: (sums: readonly V128[]) => V128;
  /** What is to be taken off the products: so many times the sum of x. */
  readonly offset: number;
}

/** Codes of -64 to 63 are factors of 0 to 127 where this is added. */
const NARROW = 64;

const steps = (count: number, make: (index: number) => Step): readonly Step[] =>
  Array.from({ length: count }, (_, index) => make(index));

const only = ([sum]: readonly V128[]): V128 => sum!;

/** What multiplies a form on a machine. */
export function productsOf({ machine, constants }: KernelWriter, form: Form): Products {
  if (form.bits < 8) return (machine.fma ? relaxedNibbles : nibbles)(constants, form);
  if (!machine.fma) return bytes();
  return form.narrow ? narrowBytes(constants) : relaxedBytes();
}

type Constants = KernelWriter["constants"];

/** Four neighbours a step. */
const STEPS = ROW_UNIT / 4;

type Sums = Pick<Products, "add" | "finish">;

/** Four neighbours in each lane of 32 bits. */
const wordSums: Sums = {
  add: (codes, factor, sum) => i32x4.relaxed_dot_i8x16_i7x16_add_s(factor, codes, sum),
  finish: only,
};

/** Two neighbours in each lane of 16 bits: for sums that begin at 0, as nothing is to be taken off them. */
const shortSums = (constants: Constants): Sums => ({
  add: (codes, factor, sum) => i16x8.add(sum, i16x8.relaxed_dot_i8x16_i7x16_s(factor, codes)),
  finish: ([sum]) => i32x4.dot_i16x8_s(sum!, constants.splatWord(0x00010001)),
});

/** What of codes stands below a fifth bit, and this with it, if they have one; `first` is the lowest of them. */
function withFifths(low: V128, first: number, mask: number, { form, constants, matrix, vector }: Read): V128 {
  if (form.bits === 4) return low;
  return v128.or(low, fifthsAt(matrix.words(FIFTHS, vector), first, mask, constants));
}

interface Read {
  readonly form: Form;
  readonly constants: Constants;
  readonly matrix: PackedMatrix;
  readonly vector: number;
}

/**
 * The even codes of a word of eight, then the odd ones: 31 · 127 twice. Those of 4 bits stay within 16 bits for all of a block, 15 · 127 sixteen times,
 * and are added there: V8 has five instructions for a sum of four products in 32 bits, where the processor has none of AVX-VNNI.
 */
const relaxedNibbles = (constants: Constants, form: Form): Products => ({
  rounded: "evens and odds",
  steps: steps(STEPS, (index) => ({
    codes: (matrix, vector) => {
      const words = matrix.words(index >> 1, vector);
      const moved = index % 2 === 0 ? words : i16x8.shr_u(words, i32.const(4));
      const low = v128.and(moved, constants.splatWord(0x0f0f0f0f));
      const first = 8 * (index >> 1) + (index % 2);
      return withFifths(low, first, 0x10101010, { form, constants, matrix, vector });
    },
    factors: [{ at: 4 * index, sum: 0 }],
  })),
  sums: 1,
  factor: v128.load32_splat,
  ...(form.bits === 4 ? shortSums(constants) : wordSums),
  offset: form.zero,
});

/** Codes as factors of 7 bits: 127 · 127 twice. */
const narrowBytes = (constants: Constants): Products => ({
  rounded: "bytes",
  steps: steps(STEPS, (index) => ({
    codes: (matrix, vector) =>
      i8x16.add(matrix.words(index, vector), constants.splatWord(NARROW * 0x01010101)),
    factors: [{ at: 4 * index, sum: 0 }],
  })),
  sums: 1,
  factor: v128.load32_splat,
  ...wordSums,
  offset: NARROW,
});

/** x as two factors of 7 bits, what is above 0 and what is below, of which a code is multiplied with one: 128 · 127 twice. */
const relaxedBytes = (): Products => ({
  rounded: "signs apart",
  steps: steps(STEPS, (index) => ({
    codes: (matrix, vector) => matrix.words(index, vector),
    factors: [
      { at: 8 * index, sum: 0 },
      { at: 8 * index + 4, sum: 1 },
    ],
  })),
  sums: 2,
  factor: v128.load32_splat,
  add: (codes, factor, sum) => i32x4.relaxed_dot_i8x16_i7x16_add_s(codes, factor, sum),
  finish: ([above, below]) => i32x4.sub(above!, below!),
  offset: 0,
});

/** Of the eight codes of a word two that stand 16 bits apart. */
const nibbles = (constants: Constants, form: Form): Products => ({
  rounded: "pairs",
  steps: steps(ROW_UNIT / 2, (index) => ({
    codes: (matrix, vector) => {
      const words = matrix.words(index >> 2, vector);
      const moved = index % 4 === 0 ? words : i16x8.shr_u(words, i32.const(4 * (index % 4)));
      const low = index % 4 === 3 ? moved : v128.and(moved, constants.splatWord(0x000f000f));
      const first = 8 * (index >> 2) + (index % 4);
      return withFifths(low, first, 0x00100010, { form, constants, matrix, vector });
    },
    factors: [{ at: 4 * index, sum: 0 }],
  })),
  sums: 1,
  factor: v128.load32_splat,
  add: (codes, factor, sum) => i32x4.add(sum, i32x4.dot_i16x8_s(codes, factor)),
  finish: only,
  offset: form.zero,
});

/** Four codes of two rows at a time, in two lanes each. */
const bytes = (): Products => ({
  rounded: "halves",
  steps: steps(2 * STEPS, (index) => ({
    codes: (matrix, vector) => matrix.halves(index >> 1, 2 * vector + (index % 2)),
    factors: [{ at: 8 * (index >> 1), sum: index % 2 }],
  })),
  sums: 2,
  factor: v128.load64_splat,
  add: (codes, factor, sum) => i32x4.add(sum, i32x4.dot_i16x8_s(codes, factor)),
  finish: ([first, last]) =>
    i32x4.add(v128.shuffle(first!, last!, [0, 2, 4, 6]), v128.shuffle(first!, last!, [1, 3, 5, 7])),
  offset: 0,
});
