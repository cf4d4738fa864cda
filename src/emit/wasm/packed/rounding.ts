import { LEAST_LARGEST } from "../../../ops/evaluate/quantized.ts";
import { ROW_UNIT } from "../../../tensor/quantized.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i16x8, i32x4, i8x16, v128 } from "../assembler/simd.ts";
import type { Constants } from "../machine.ts";

/**
 * How rounded codes lie for products. `halves`: 16 bits each, in order. `pairs`: 16 bits each, code j of eight beside code j + 4, as
 * two 4-bit codes of a word come to stand. `bytes`: 8 bits each, in order. `evens and odds`: of eight the even ones before the odd ones.
 * `signs apart`: of four what is above 0, then what is below, without its sign.
 */
export type RoundedForm = "halves" | "pairs" | "bytes" | "evens and odds" | "signs apart";

/** Bytes of the codes of a unit. */
export const codeBytes = (form: RoundedForm): number =>
  form === "bytes" || form === "evens and odds" ? ROW_UNIT : 2 * ROW_UNIT;

/** Bytes of what stands beside the codes of a unit. */
export const BESIDE_BYTES = 32;

/** A part of a unit: its first 16 elements, its last 16, or all. */
type Part = 0 | 1 | 2;

/** Where it stands: the scale, what it makes of the sums of codes, and these sums times what products are too large by. */
export const besides = {
  scale: 0,
  sum: (part: Part): number => 4 + 4 * part,
  offset: (part: Part): number => 16 + 4 * part,
} as const;

const IN_ORDER = Array.from({ length: 16 }, (_, byte) => byte);
const EVENS_AND_ODDS = [0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15];
/** Of bytes in two halves a word of each in turn. */
const WORDS_IN_TURN = [0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15];

/** Rounds blocks of 32 floats to whole numbers of -127 to 127 with a scale, as `round_blocks` says. */
export class Rounder {
  readonly #constants: Constants;
  readonly #vectors: readonly Local<"v128">[];
  readonly #largest: Local<"v128">;
  readonly #scale: Local<"v128">;
  readonly #inverse: Local<"v128">;

  constructor(writer: FunctionWriter, constants: Constants) {
    this.#constants = constants;
    this.#vectors = writer.locals("v128", ROW_UNIT / 4);
    [this.#largest, this.#scale, this.#inverse] = writer.locals("v128", 3) as [
      Local<"v128">,
      Local<"v128">,
      Local<"v128">,
    ];
  }

  /** Reads a block, and has its codes as floats, its scale in each lane. */
  round(from: I32): Statement[] {
    const [largest, inverse] = [this.#largest, this.#inverse];
    const turned = (lanes: readonly [number, number, number, number]): V128 =>
      v128.shuffle(largest.get, largest.get, lanes);
    const most = f32x4.max(f32x4.max(largest.get, turned([1, 0, 3, 2])), v128.zero);
    return [
      ...this.#vectors.map((vector, i) => vector.set(v128.load(from, 16 * i))),
      largest.set(
        this.#vectors.map(({ get }) => f32x4.abs(get)).reduce((most, each) => f32x4.max(most, each)),
      ),
      largest.set(most),
      largest.set(f32x4.max(largest.get, turned([2, 3, 0, 1]))),
      this.#scale.set(f32x4.div(largest.get, this.#constants.splat(127))),
      inverse.set(f32x4.div(this.#constants.splat(127), largest.get)),
      // Not below the least: larger, or not a number.
      inverse.set(v128.andnot(inverse.get, f32x4.lt(largest.get, this.#constants.splat(LEAST_LARGEST)))),
      ...this.#vectors.map((vector) =>
        vector.set(f32x4.floor(f32x4.add(f32x4.mul(vector.get, inverse.get), this.#constants.splat(0.5)))),
      ),
    ];
  }

  /** Stores what the block stands for, as floats; a code that is no number is 0. */
  storeFloats(to: I32): Statement[] {
    return this.#vectors.map(({ get }, i) =>
      v128.store(to, f32x4.mul(this.#scale.get, v128.and(get, f32x4.eq(get, get))), 16 * i),
    );
  }

  /** Stores the codes as a form of products reads them, and beside them the scale and sums; `offset` of the products. */
  storeCodes(to: I32, beside: I32, form: RoundedForm, offset: number): Statement[] {
    const whole = this.#vectors.map(({ get }) => i32x4.trunc_sat_f32x4_s(get));
    return [
      ...this.#vectors.map((vector, i) => vector.set(whole[i]!)),
      ...this.#sums(beside, offset),
      ...[0, 1, 2, 3].map((word) => this.#storeEight(to, word, form)),
    ];
  }

  /** Eight codes. */
  #storeEight(to: I32, index: number, form: RoundedForm): Statement {
    const [first, last] = [this.#vectors[2 * index]!.get, this.#vectors[2 * index + 1]!.get];
    const halves = i16x8.narrow_i32x4_s(first, last);
    const bytes = (order: readonly number[], low = halves, high = low): V128 =>
      i8x16.permute(i8x16.narrow_i16x8_s(low, high), order);
    switch (form) {
      case "halves":
        return v128.store(to, halves, 16 * index);
      case "pairs": {
        const low = v128.and(first, this.#constants.splatWord(0xffff));
        return v128.store(to, v128.or(low, i32x4.shl(last, i32.const(16))), 16 * index);
      }
      case "bytes":
        return v128.store64_lane(to, bytes(IN_ORDER), 0, 8 * index);
      case "evens and odds":
        return v128.store64_lane(to, bytes(EVENS_AND_ODDS), 0, 8 * index);
      case "signs apart": {
        const above = i16x8.max_s(halves, v128.zero);
        const below = i16x8.max_s(i16x8.neg(halves), v128.zero);
        return v128.store(to, bytes(WORDS_IN_TURN, above, below), 16 * index);
      }
    }
  }

  /** The scale, and what it makes of the sums of codes: in one vector. */
  #sums(beside: I32, offset: number): Statement[] {
    const sum = this.#inverse;
    const added = (from: number): V128 =>
      [1, 2, 3].reduce<V128>(
        (total, i) => i32x4.add(total, this.#vectors[from + i]!.get),
        this.#vectors[from]!.get,
      );
    const across = (x: V128): V128 => i32x4.add(x, v128.shuffle(x, x, [1, 0, 3, 2]));
    const all = (x: V128): V128 => {
      const pairs = across(x);
      return i32x4.add(pairs, v128.shuffle(pairs, pairs, [2, 3, 0, 1]));
    };
    const [first, last] = [this.#largest, sum];
    const ofScale = (x: V128): V128 => f32x4.mul(this.#scale.get, f32x4.convert_i32x4_s(x));
    return [
      first.set(all(added(0))),
      last.set(all(added(4))),
      v128.store(
        beside,
        v128.shuffle(
          v128.shuffle(this.#scale.get, ofScale(first.get), [0, 4, 0, 4]),
          v128.shuffle(ofScale(last.get), ofScale(i32x4.add(first.get, last.get)), [0, 4, 0, 4]),
          [0, 1, 4, 5],
        ),
      ),
      ...(offset === 0 ? [] : [v128.store(beside, this.#offsets(first.get, last.get, offset), 16)]),
    ];
  }

  /** The sums of the first half, of the last and of both, each so many times less. */
  #offsets(first: V128, last: V128, offset: number): V128 {
    const sums = v128.shuffle(v128.shuffle(first, last, [0, 4, 0, 4]), i32x4.add(first, last), [0, 1, 4, 4]);
    return i32x4.mul(sums, this.#constants.splatWord(-offset));
  }
}
