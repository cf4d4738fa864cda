import type { Fold } from "../../loops/tree.ts";
import type { Statement, V128 } from "../assembler/code.ts";
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

/** The vectors of a total within lanes: `fold`ed by each turn. `isAcross`: lanes that are not in use must add nothing. */
export class Parts {
  readonly #pen: Pen;
  readonly #fold: Fold;
  readonly #isWhole: boolean;
  readonly #isAcross: boolean;
  readonly locals: readonly Local<"v128">[];

  constructor(
    pen: Pen,
    {
      fold,
      isWhole,
      isAcross,
    }: { readonly fold: Fold; readonly isWhole: boolean; readonly isAcross: boolean },
    units: number,
  ) {
    this.#pen = pen;
    this.#fold = fold;
    this.#isWhole = isWhole;
    this.#isAcross = isAcross;
    this.locals = pen.writer.locals("v128", units);
  }

  begin(): void {
    const { constants, push } = this.#pen;
    const first = this.#isWhole
      ? constants.splatWord(firstWhole[this.#fold])
      : constants.splat(firstFloat[this.#fold]);
    push(...this.locals.map((local) => local.set(first)));
  }

  take(value: Value): void {
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
    const isAlone = this.#isAcross && turns?.isWhole === false;
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
 * The largest or smallest floats that vectors took in, lane by lane. `f32x4.max`, of which any NaN makes a NaN and -0 is below 0, is eight
 * instructions, one after the other; `pmax` is one, which loses NaN. So whether there was one is kept beside, and what signs there were:
 * the largest is -0 if it is a 0 and all had a sign, the smallest if one had. `isAcross`: all vectors become one number, and keep these
 * together.
 */
export class Extremes {
  readonly #pen: Pen;
  readonly #fold: "max" | "min";
  readonly #isAcross: boolean;
  readonly #locals: readonly Local<"v128">[];
  readonly #nans: readonly Local<"v128">[];
  readonly #signs: readonly Local<"v128">[];

  constructor(
    pen: Pen,
    { fold, isAcross }: { readonly fold: "max" | "min"; readonly isAcross: boolean },
    units: number,
  ) {
    this.#pen = pen;
    this.#fold = fold;
    this.#isAcross = isAcross;
    this.#locals = pen.writer.locals("v128", units);
    this.#nans = pen.writer.locals("v128", isAcross ? 1 : units);
    this.#signs = pen.writer.locals("v128", isAcross ? 1 : units);
  }

  begin(): void {
    const { constants, push } = this.#pen;
    const first = constants.splat(firstFloat[this.#fold]);
    push(
      ...this.#locals.map((local) => local.set(first)),
      ...this.#nans.map((local) => local.set(v128.zero)),
      ...this.#signs.map((local) => local.set(first)),
    );
  }

  take(value: Value): void {
    const { constants, push, turns } = this.#pen;
    const first = constants.splat(firstFloat[this.#fold]);
    const isAlone = this.#isAcross && turns?.isWhole === false;
    const vectors = floatsOf(value, this.#pen).map((vector) =>
      this.#pen.keep(isAlone ? v128.bitselect(vector, first, loneLane(this.#pen)) : vector),
    );
    const nans = vectors.map((vector) => f32x4.ne(vector, vector));
    const together = (each: readonly V128[], fold: Instruction): readonly V128[] =>
      this.#isAcross ? [pairwise(each, fold)] : each;
    push(
      ...vectors.map((vector, unit) => updated(this.#locals[unit]!, vector, this.#larger)),
      ...together(nans, v128.or).map((vector, unit) => updated(this.#nans[unit]!, vector, v128.or)),
      ...together(vectors, this.#signed).map((vector, unit) =>
        updated(this.#signs[unit]!, vector, this.#signed),
      ),
    );
  }

  /** All lanes of all vectors as one, in each lane. */
  joined(): V128 {
    const one = (locals: readonly Local<"v128">[], fold: Instruction): V128 =>
      across(
        pairwise(
          locals.map(({ get }) => get),
          fold,
        ),
        fold,
        this.#pen,
      );
    return this.#pen.keep(
      this.#found(one(this.#locals, this.#larger), one(this.#nans, v128.or), one(this.#signs, this.#signed)),
    );
  }

  /** Each vector by itself, if these were not taken in together. */
  values(): readonly V128[] {
    return this.#locals.map(({ get }, unit) =>
      this.#found(get, this.#nans[unit]!.get, this.#signs[unit]!.get),
    );
  }

  #found(found: V128, nans: V128, signs: V128): V128 {
    const { constants } = this.#pen;
    const zero = v128.and(signs, constants.splatWord(SIGN));
    const isZero = f32x4.eq(found, constants.splat(0));
    return v128.or(v128.bitselect(zero, found, isZero), nans);
  }

  readonly #larger = (x: V128, y: V128): V128 => (this.#fold === "max" ? f32x4.pmax : f32x4.pmin)(x, y);
  readonly #signed = (x: V128, y: V128): V128 => (this.#fold === "max" ? v128.and : v128.or)(x, y);
}

const updated = (local: Local<"v128">, vector: V128, fold: Instruction): Statement =>
  local.set(fold(local.get, vector));

/** What holds a total within lanes. */
export const partsOf = (
  pen: Pen,
  { fold, isWhole, isAcross }: { readonly fold: Fold; readonly isWhole: boolean; readonly isAcross: boolean },
  units: number,
): Parts | Extremes =>
  !isWhole && (fold === "max" || fold === "min")
    ? new Extremes(pen, { fold, isAcross }, units)
    : new Parts(pen, { fold, isWhole, isAcross }, units);
