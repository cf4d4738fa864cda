import type { Half } from "../../../tensor/dtype.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i16x8, i32x4, v128 } from "../assembler/simd.ts";
import type { Constants } from "../machine.ts";

/** Halves of a vector, and floats. */
export const HALVES = 8;
const FLOATS = 4;

/** Two lanes of 16 bits as a word of 32. */
const twice = (half: number): number => half | (half << 16) | 0;

/** Of binary16: all but its sign; what is finite ends below; bits that make its largest exponent that of float32. */
const SIZE = 0x7fff;
const LAST_FINITE = 0x7bff;
const LARGEST = 0x7000;
/** What is kept of the upper half of float32 when sign and exponent of binary16 are moved there. */
const MOVED = 0x8fff;
/** From the exponents of binary16, read as those of float32, to what they are. */
const REBIASED = 2 ** 112;

/**
 * Reads halves as floats, exactly. bfloat16 is the upper half of float32. Of binary16 the sign and the rest are moved apart, so that
 * the exponent is right but for a power of two; that product makes subnormal numbers right too, and infinity and NaN keep what the
 * largest exponent stands for.
 */
export class HalfReader {
  readonly #half: Half;
  readonly #raw: Local<"v128">;
  readonly #upper: Local<"v128">;
  readonly #lower: Local<"v128">;
  readonly #constants: Constants;

  constructor(writer: FunctionWriter, constants: Constants, half: Half) {
    this.#half = half;
    this.#constants = constants;
    [this.#raw, this.#upper, this.#lower] = writer.locals("v128", 3) as [
      Local<"v128">,
      Local<"v128">,
      Local<"v128">,
    ];
  }

  /** As many vectors of floats from an address on, each given to `use`: the last two are read before it is asked for them. */
  read(
    vectors: number,
    at: I32,
    offset: number,
    use: (vector: number, floats: V128) => readonly Statement[],
  ): Statement[] {
    return Array.from({ length: Math.ceil(vectors / 2) }, (_, pair) => {
      const isWhole = 2 * pair + 1 < vectors;
      const from = offset + 2 * HALVES * pair;
      const [low, high] = this.#floats();
      return [
        ...this.#take(isWhole ? v128.load(at, from) : v128.load64_zero(at, from)),
        ...use(2 * pair, low),
        ...(isWhole ? use(2 * pair + 1, high) : []),
      ];
    }).flat();
  }

  /** One half, in the low bits of a number, in the first lane. */
  one(bits: I32, use: (floats: V128) => readonly Statement[]): Statement[] {
    return [...this.#take(i32x4.splat(bits)), ...use(this.#floats()[0])];
  }

  #take(raw: V128): Statement[] {
    const set = this.#raw.set(raw);
    if (this.#half === "bf16") return [set];
    const { get } = this.#raw;
    const word = (half: number): V128 => this.#constants.splatWord(twice(half));
    const isLargest = i16x8.gt_s(v128.and(get, word(SIZE)), word(LAST_FINITE));
    const moved = v128.and(i16x8.shr_s(get, i32.const(3)), word(MOVED));
    return [
      set,
      this.#upper.set(v128.or(moved, v128.and(isLargest, word(LARGEST)))),
      this.#lower.set(i16x8.shl(get, i32.const(13))),
    ];
  }

  /** The first four halves, and the last, as floats. */
  #floats(): readonly [low: V128, high: V128] {
    if (this.#half === "bf16")
      return [i16x8.unpack_low(v128.zero, this.#raw.get), i16x8.unpack_high(v128.zero, this.#raw.get)];
    const rebiased = this.#constants.splat(REBIASED);
    const [lower, upper] = [this.#lower.get, this.#upper.get];
    return [
      f32x4.mul(i16x8.unpack_low(lower, upper), rebiased),
      f32x4.mul(i16x8.unpack_high(lower, upper), rebiased),
    ];
  }
}

/** What is not a number, and infinity, of binary16. */
const NOT_A_NUMBER = 0x7e00;
const INFINITE = 0x7c00;
/** Numbers from here on round to 2^16, which binary16 has not. */
const F16_END = 65520;
/** The least normal number of binary16; below all are multiples of 2^-24, which is the last bit of float32 from 1/2 to 1. */
const LEAST_NORMAL = 2 ** -14;
const REBIAS_WORD = 112 << 23;

/** Rounds floats to the nearest halves, ties to even. */
export class HalfWriter {
  readonly #half: Half;
  readonly #constants: Constants;
  readonly #floats: Local<"v128">;
  readonly #size: Local<"v128">;
  readonly #rounded: readonly Local<"v128">[];

  constructor(writer: FunctionWriter, constants: Constants, half: Half) {
    this.#half = half;
    this.#constants = constants;
    this.#floats = writer.local("v128");
    this.#size = writer.local("v128");
    this.#rounded = writer.locals("v128", HALVES / FLOATS);
  }

  /** Eight floats as halves, given to `use`. */
  round(floats: readonly [V128, V128], use: (halves: V128) => Statement): Statement[] {
    const [first, last] = this.#rounded as [Local<"v128">, Local<"v128">];
    return [
      ...this.#four(floats[0], first),
      ...this.#four(floats[1], last),
      use(i16x8.narrow_i32x4_u(first.get, last.get)),
    ];
  }

  /** The floats as words whose lower halves they are. */
  #four(floats: V128, to: Local<"v128">): Statement[] {
    const { get: x } = this.#floats;
    const word = (value: number): V128 => this.#constants.splatWord(value);
    const set = this.#floats.set(floats);
    const isNumber = f32x4.eq(x, x);
    if (this.#half === "bf16") {
      const upper = i32x4.shr_u(x, i32.const(16));
      const isOdd = v128.and(upper, word(1));
      const rounded = i32x4.shr_u(i32x4.add(x, i32x4.add(isOdd, word(0x7fff))), i32.const(16));
      return [set, to.set(v128.bitselect(rounded, v128.or(upper, word(0x40)), isNumber))];
    }
    const { get: size } = this.#size;
    const isOdd = v128.and(i32x4.shr_u(size, i32.const(13)), word(1));
    const normal = i32x4.shr_u(
      i32x4.sub(i32x4.add(size, i32x4.add(isOdd, word(0xfff))), word(REBIAS_WORD)),
      i32.const(13),
    );
    const half = this.#constants.splat(0.5);
    const small = i32x4.sub(f32x4.add(size, half), half);
    const finite = v128.bitselect(small, normal, f32x4.lt(size, this.#constants.splat(LEAST_NORMAL)));
    const all = v128.bitselect(word(INFINITE), finite, f32x4.ge(size, this.#constants.splat(F16_END)));
    const sign = v128.and(i32x4.shr_u(x, i32.const(16)), word(0x8000));
    return [
      set,
      this.#size.set(f32x4.abs(x)),
      to.set(v128.or(v128.bitselect(all, word(NOT_A_NUMBER), isNumber), sign)),
    ];
  }
}
