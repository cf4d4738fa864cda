import type { Fold } from "../../loops/tree.ts";
import type { V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { asWholes, wordOf } from "../functions/lanes.ts";
import { multiplyAdd } from "../machine.ts";
import type { Pen } from "./pen.ts";
import { floatsOf, lanesOf, type Value } from "./values.ts";

type Instruction = (x: V128, y: V128) => V128;

/** How lanes of a total become one: floats, whole numbers. */
export const laneFolds: { readonly [F in Fold]: readonly [Instruction, Instruction] } = {
  add: [f32x4.add, i32x4.add],
  max: [f32x4.max, i32x4.max_s],
  min: [f32x4.min, i32x4.min_s],
  peak: [f32x4.pmax, i32x4.max_s],
};

export const firstFloat = {
  add: 0,
  max: -Infinity,
  min: Infinity,
  peak: -Infinity,
} as const satisfies Record<Fold, number>;
export const firstWhole = {
  add: 0,
  max: -(2 ** 31),
  min: 2 ** 31 - 1,
  peak: -(2 ** 31),
} as const satisfies Record<Fold, number>;

/** The first lane alone. */
const loneLane = ({ constants }: Pen): V128 =>
  v128.load(i32.const(0), constants.address(new Uint8Array(Int32Array.of(-1, 0, 0, 0).buffer)));

/** Vectors as one, in pairs. */
function pairwise(vectors: readonly V128[], fold: Instruction): V128 {
  if (vectors.length === 1) return vectors[0]!;
  const half = Math.ceil(vectors.length / 2);
  return fold(pairwise(vectors.slice(0, half), fold), pairwise(vectors.slice(half), fold));
}

/** All lanes of a vector as one, in each lane. */
function across(vector: V128, fold: Instruction, pen: Pen): V128 {
  const pairs = pen.keep(vector);
  const halves = pen.keep(fold(pairs, v128.shuffle(pairs, pairs, [2, 3, 0, 1])));
  return pen.keep(fold(halves, v128.shuffle(halves, halves, [1, 0, 3, 2])));
}

/** The vectors of a total within lanes: `fold`ed by each turn. */
export class Parts {
  readonly #pen: Pen;
  readonly #fold: Fold;
  readonly #isWhole: boolean;
  readonly locals: readonly Local<"v128">[];

  constructor(pen: Pen, fold: Fold, isWhole: boolean, units: number) {
    this.#pen = pen;
    this.#fold = fold;
    this.#isWhole = isWhole;
    this.locals = pen.writer.locals("v128", units);
  }

  begin(): void {
    const { constants, push } = this.#pen;
    const first = this.#isWhole
      ? constants.splatWord(firstWhole[this.#fold])
      : constants.splat(firstFloat[this.#fold]);
    push(...this.locals.map((local) => local.set(first)));
  }

  /** `isAcross`: lanes that are not in use must add nothing. */
  take(value: Value, isAcross: boolean): void {
    const { machine, push, turns } = this.#pen;
    const lanes = lanesOf(value, this.#pen);
    const vectors = this.#isWhole ? asWholes(lanes, this.#pen) : floatsOf(value, this.#pen);
    const folded = vectors.map((vector, unit): V128 => {
      const sofar = this.locals[unit]!.get;
      if (this.#fold === "add" && !this.#isWhole && lanes.factors !== undefined)
        return multiplyAdd(machine, lanes.factors[0][unit]!, lanes.factors[1][unit]!, sofar);
      return laneFolds[this.#fold][this.#isWhole ? 1 : 0](sofar, vector);
    });
    const mask = loneLane(this.#pen);
    const isAlone = isAcross && turns?.isWhole === false;
    push(
      ...folded.map((vector, unit) => {
        const local = this.locals[unit]!;
        return local.set(isAlone ? v128.bitselect(vector, local.get, mask) : vector);
      }),
    );
  }

  /** All lanes of all vectors as one, in each lane. */
  joined(): V128 {
    const fold = laneFolds[this.#fold][this.#isWhole ? 1 : 0];
    return across(
      pairwise(
        this.locals.map((local) => local.get),
        fold,
      ),
      fold,
      this.#pen,
    );
  }
}

const SIGN = wordOf(-0);

/**
 * The largest or smallest float of lanes, across them. `f32x4.max`, of which any NaN makes a NaN and -0 is below 0, is eight
 * instructions, one after the other; `pmax` is one, which loses NaN. So whether there was one is kept beside, and what signs there were:
 * the largest is -0 if it is a 0 and all had a sign, the smallest if one had.
 */
export class Extremes {
  readonly #pen: Pen;
  readonly #fold: "max" | "min";
  readonly #locals: readonly Local<"v128">[];
  readonly #nans: Local<"v128">;
  readonly #signs: Local<"v128">;

  constructor(pen: Pen, fold: "max" | "min", units: number) {
    this.#pen = pen;
    this.#fold = fold;
    this.#locals = pen.writer.locals("v128", units);
    this.#nans = pen.writer.local("v128");
    this.#signs = pen.writer.local("v128");
  }

  begin(): void {
    const { constants, push } = this.#pen;
    const first = constants.splat(firstFloat[this.#fold]);
    push(...this.#locals.map((local) => local.set(first)), this.#nans.set(v128.zero), this.#signs.set(first));
  }

  take(value: Value): void {
    const { constants, push, turns } = this.#pen;
    const first = constants.splat(firstFloat[this.#fold]);
    const vectors = floatsOf(value, this.#pen).map((vector) =>
      this.#pen.keep(turns?.isWhole === false ? v128.bitselect(vector, first, loneLane(this.#pen)) : vector),
    );
    vectors.forEach((vector, unit) => {
      const local = this.#locals[unit]!;
      push(local.set(this.#larger(local.get, vector)));
    });
    const nans = pairwise(
      vectors.map((vector) => f32x4.ne(vector, vector)),
      v128.or,
    );
    push(
      this.#nans.set(v128.or(this.#nans.get, nans)),
      this.#signs.set(this.#signed(this.#signs.get, pairwise(vectors, this.#signed))),
    );
  }

  joined(): V128 {
    const pen = this.#pen;
    const vectors = this.#locals.map((local) => local.get);
    const found = across(pairwise(vectors, this.#larger), this.#larger, pen);
    const nans = across(this.#nans.get, v128.or, pen);
    const signs = across(this.#signs.get, this.#signed, pen);
    const zero = v128.and(signs, pen.constants.splatWord(SIGN));
    const isZero = f32x4.eq(found, pen.constants.splat(0));
    return pen.keep(v128.or(v128.bitselect(zero, found, isZero), nans));
  }

  readonly #larger = (x: V128, y: V128): V128 => (this.#fold === "max" ? f32x4.pmax : f32x4.pmin)(x, y);
  readonly #signed = (x: V128, y: V128): V128 => (this.#fold === "max" ? v128.and : v128.or)(x, y);
}
