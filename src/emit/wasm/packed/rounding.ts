import { LEAST_LARGEST } from "../../../ops/evaluate/quantized.ts";
import { ROW_UNIT } from "../../../tensor/quantized.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { f32x4, i16x8, i32x4, v128 } from "../assembler/simd.ts";
import type { Constants } from "../machine.ts";
import { Transpose } from "../products/transpose.ts";

/** Bytes of the codes of a unit, 16 bits each. */
export const ROUNDED_BYTES = 2 * ROW_UNIT;
/** Bytes of what stands beside them: the scale, and the sums of the first 16, of the last 16 and of all elements. */
export const BESIDE_BYTES = 16;

/** Rounds blocks of 32 floats to whole numbers of -127 to 127 with a scale, as `round_blocks` says. */
export class Rounder {
  readonly #constants: Constants;
  readonly #vectors: readonly Local<"v128">[];
  readonly #largest: Local<"v128">;
  readonly #scale: Local<"v128">;
  readonly #inverse: Local<"v128">;
  readonly #transpose: Transpose;

  constructor(writer: FunctionWriter, constants: Constants) {
    this.#constants = constants;
    this.#vectors = writer.locals("v128", ROW_UNIT / 4);
    [this.#largest, this.#scale, this.#inverse] = writer.locals("v128", 3) as [
      Local<"v128">,
      Local<"v128">,
      Local<"v128">,
    ];
    this.#transpose = new Transpose(writer);
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

  /**
   * Stores the codes in 16 bits, and the scale and sums beside them. `isSpread`: in vectors of each fourth code, as 4-bit codes are
   * taken out of words.
   */
  storeCodes(to: I32, beside: I32, isSpread: boolean): Statement[] {
    const whole = this.#vectors.map(({ get }) => i32x4.trunc_sat_f32x4_s(get));
    return [
      ...this.#vectors.map((vector, i) => vector.set(whole[i]!)),
      ...this.#sums(beside),
      ...(isSpread ? this.#spread(to) : this.#inOrder(to)),
    ];
  }

  #inOrder(to: I32): Statement[] {
    return [0, 1, 2, 3].map((i) =>
      v128.store(to, i16x8.narrow_i32x4_s(this.#vectors[2 * i]!.get, this.#vectors[2 * i + 1]!.get), 16 * i),
    );
  }

  #spread(to: I32): Statement[] {
    const halves = [this.#vectors.slice(0, 4), this.#vectors.slice(4)];
    return [
      ...halves.flatMap((half) =>
        this.#transpose.four(
          half.map(({ get }) => get),
          (column, i) => half[i]!.set(column),
        ),
      ),
      ...[0, 1, 2, 3].map((i) =>
        v128.store(to, i16x8.narrow_i32x4_s(halves[0]![i]!.get, halves[1]![i]!.get), 16 * i),
      ),
    ];
  }

  /** The scale, and what it makes of the sums of codes: in one vector. */
  #sums(beside: I32): Statement[] {
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
    ];
  }
}
