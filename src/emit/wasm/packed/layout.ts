import { ROW_UNIT } from "../../../tensor/quantized.ts";
import { isHalf } from "../../../tensor/dtype.ts";
import type { OperandForm } from "../../../kernels/panels.ts";
import type { View } from "../../../kernels/view.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import { HalfReader } from "../halves/convert.ts";
import type { KernelWriter, Phase } from "../kernel.ts";

/**
 * Rows of a weight that lie side by side: a word of codes of each, then the next word of each, and beside them as many scales a
 * block. One stream is read, and a lane of a vector is a row, so that products of neighbours, which an instruction adds up, are sums of
 * rows.
 */
export const GROUP = 8;
/** Vectors of a word of each row. */
export const GROUP_VECTORS = GROUP / 4;

const WORD_BYTES = 4 * GROUP;

/** How kernels want the parts of a packed matrix; undefined for what is no part. */
export const packedForm = (operand: string): OperandForm | undefined =>
  operand === "codes" || operand === "scales" || operand === "minimums"
    ? { kind: "panels", axis: 0, width: GROUP, atLoadOnly: false }
    : undefined;

export interface PackedViews {
  readonly codes: View;
  readonly scales: View;
  readonly minimums: View | undefined;
}

export interface Form {
  readonly bits: number;
  readonly block: number;
  readonly narrow: boolean;
  /** What is taken from a code before it is scaled. */
  readonly zero: number;
}

/** Words of a row's codes of a unit. */
export const unitWords = ({ bits }: Pick<Form, "bits">): number => (ROW_UNIT * bits) / 32;

/** Where a part of a packed matrix begins, its bytes of a unit of a group, and of what a row has there of a word or a block. */
interface Start {
  readonly at: I32;
  readonly bytes: number;
  readonly each: number;
  /** What widens it, if it lies as halves. */
  readonly widened?: Widened;
}

/** Halves of a block of the rows of a group, as floats. */
interface Widened {
  readonly reader: HalfReader;
  readonly floats: readonly Local<"v128">[];
}

/** The parts of a packed matrix, in their order. */
const [CODES, SCALES, MINIMUMS] = [0, 1, 2];

/** Where the groups of rows of a packed matrix lie. */
export class PackedMatrix {
  readonly form: Form;
  readonly units: I32;
  readonly #starts: readonly Start[];
  readonly #places: readonly Local<"i32">[];
  /** Groups from those at the places to those that are read. */
  readonly #ahead: number;

  /** `units` of a row. */
  constructor(form: Form, units: I32, starts: readonly Start[], places: readonly Local<"i32">[], ahead = 0) {
    this.form = form;
    this.units = units;
    this.#starts = starts;
    this.#places = places;
    this.#ahead = ahead;
  }

  static of(k: KernelWriter, phase: Phase, views: PackedViews, form: Form, units: I32): PackedMatrix {
    const { codes, scales, minimums } = views;
    const blocks = ROW_UNIT / form.block;
    const beside = (view: View): Start => {
      const { dtype } = view.type;
      const at = k.address(view)(phase);
      if (!isHalf(dtype)) return { at, bytes: 4 * GROUP * blocks, each: 4 };
      const reader = new HalfReader(phase, k.constants, dtype);
      return {
        at,
        bytes: 2 * GROUP * blocks,
        each: 2,
        widened: { reader, floats: phase.locals("v128", GROUP_VECTORS) },
      };
    };
    const starts = [
      { at: k.address(codes)(phase), bytes: WORD_BYTES * unitWords(form), each: 4 },
      beside(scales),
      ...(minimums === undefined ? [] : [beside(minimums)]),
    ];
    return new PackedMatrix(form, units, starts, phase.locals("i32", starts.length));
  }

  /** The same matrix so many groups further on; both are entered and stepped together. */
  ahead(groups: number): PackedMatrix {
    return new PackedMatrix(this.form, this.units, this.#starts, this.#places, groups);
  }

  get hasMinimums(): boolean {
    return this.#places.length === 3;
  }

  /** Goes to the first unit of the group of a row, and within it to that row. */
  enter(row: I32): Statement[] {
    const group = i32.div_u(row, i32.const(GROUP));
    const within = i32.and(row, i32.const(GROUP - 1));
    return this.#places.map((place, index) => {
      const { at, bytes, each } = this.#starts[index]!;
      const start = i32.add(at, i32.mul(group, i32.mul(this.units, i32.const(bytes))));
      return place.set(i32.add(start, i32.mul(within, i32.const(each))));
    });
  }

  /** Goes to the next unit. */
  step(): Statement[] {
    return this.#places.map((place, index) =>
      place.set(i32.add(place.get, i32.const(this.#starts[index]!.bytes))),
    );
  }

  /** A word of each of the four rows from the one on that is so many vectors after that at hand. */
  words(word: number, vector = 0): V128 {
    return v128.load(...this.#at(CODES, WORD_BYTES * word + 16 * vector));
  }

  /** The same of two rows whose codes are bytes: each a half of 16 bits. */
  halves(word: number, pair: number): V128 {
    return v128.load8x8_s(...this.#at(CODES, WORD_BYTES * word + 8 * pair));
  }

  /** The word of the row at hand, in all lanes or in the first one alone. */
  rowWord(word: number, load: (at: I32, offset: number) => V128): V128 {
    return load(...this.#at(CODES, WORD_BYTES * word));
  }

  /** Reads what stands beside a block of the unit, of so many vectors of rows: before it is asked for. */
  readBeside(block: number, vectors = GROUP_VECTORS): Statement[] {
    return this.#starts.flatMap(({ each, widened }, part) =>
      widened === undefined
        ? []
        : widened.reader.read(vectors, ...this.#at(part, each * GROUP * block), (vector, floats) => [
            widened.floats[vector]!.set(floats),
          ]),
    );
  }

  /** A scale of each of four rows, of the block that was read. */
  scales(block: number, vector = 0): V128 {
    return this.#beside(SCALES, block, vector);
  }

  minimums(block: number, vector = 0): V128 {
    return this.#beside(MINIMUMS, block, vector);
  }

  #beside(part: number, block: number, vector: number): V128 {
    const { each, widened } = this.#starts[part]!;
    return widened === undefined
      ? v128.load(...this.#at(part, each * (GROUP * block + 4 * vector)))
      : widened.floats[vector]!.get;
  }

  /** Reads what stands beside a block of the row at hand: its scale, and its minimum if there is one, each in all lanes. */
  readRow(block: number, scale: Local<"v128">, minimum: Local<"v128"> | undefined): Statement[] {
    return [scale, ...(minimum === undefined ? [] : [minimum])].flatMap((to, index) => {
      const { each, widened } = this.#starts[SCALES + index]!;
      const [at, offset] = this.#at(SCALES + index, each * GROUP * block);
      if (widened === undefined) return [to.set(v128.load32_splat(at, offset))];
      return widened.reader.one(i32.load16_u(at, offset), (floats) => [
        to.set(v128.shuffle(floats, floats, [0, 0, 0, 0])),
      ]);
    });
  }

  /** An address and an offset from it. */
  #at(part: number, bytes: number): [address: I32, offset: number] {
    const group = this.#ahead === 0 ? 0 : this.#ahead * this.units.known! * this.#starts[part]!.bytes;
    return [this.#places[part]!.get, group + bytes];
  }
}
