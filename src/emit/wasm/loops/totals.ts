import type { Fold, Name } from "../../loops/tree.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import { select } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { f32, f64, i32 } from "../assembler/numbers.ts";
import { f32x4, f64x2, i32x4, v128 } from "../assembler/simd.ts";
import { asWholes, floats, wholes } from "../functions/lanes.ts";
import { multiplyAdd } from "../machine.ts";
import type { Pen } from "./pen.ts";
import { floatsOf, lanesOf, lone, type Value } from "./values.ts";

/** How lanes of a total become one: floats, whole numbers. */
const laneFolds: { readonly [F in Fold]: readonly [typeof f32x4.add, typeof f32x4.add] } = {
  add: [f32x4.add, i32x4.add],
  max: [f32x4.max, i32x4.max_s],
  min: [f32x4.min, i32x4.min_s],
};

const firstFloat = { add: 0, max: -Infinity, min: Infinity } as const satisfies Record<Fold, number>;
const firstWhole = { add: 0, max: -(2 ** 31), min: 2 ** 31 - 1 } as const satisfies Record<Fold, number>;

const wordFolds: { readonly [F in Fold]: (x: I32, y: I32) => I32 } = {
  add: i32.add,
  max: (x, y) => select(i32.ge_s(x, y), x, y),
  min: (x, y) => select(i32.le_s(x, y), x, y),
};

/** The first lane alone. */
const LONE_LANE = new Uint8Array(Int32Array.of(-1, 0, 0, 0).buffer);

/** A reduction that is being taken. */
export interface Total {
  readonly begin: () => void;
  readonly take: (value: Value) => void;
  readonly value: () => Value;
}

/** The vectors of a total within lanes: `fold`ed by each turn. */
class Parts {
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
    const { machine, constants, push, turns } = this.#pen;
    const lanes = lanesOf(value, this.#pen);
    const vectors = this.#isWhole ? asWholes(lanes, this.#pen) : floatsOf(value, this.#pen);
    const folded = vectors.map((vector, unit): V128 => {
      const sofar = this.locals[unit]!.get;
      if (this.#fold === "add" && !this.#isWhole && lanes.factors !== undefined)
        return multiplyAdd(machine, lanes.factors[0][unit]!, lanes.factors[1][unit]!, sofar);
      return laneFolds[this.#fold][this.#isWhole ? 1 : 0](sofar, vector);
    });
    const mask = v128.load(i32.const(0), constants.address(LONE_LANE));
    const isAlone = isAcross && turns?.isWhole === false;
    push(
      ...folded.map((vector, unit): Statement => {
        const local = this.locals[unit]!;
        return local.set(isAlone ? v128.bitselect(vector, local.get, mask) : vector);
      }),
    );
  }

  /** All lanes of all vectors as one, in each lane. */
  joined(): V128 {
    const fold = laneFolds[this.#fold][this.#isWhole ? 1 : 0];
    let vectors: V128[] = this.locals.map((local) => local.get);
    while (vectors.length > 1)
      vectors = vectors.flatMap((vector, at) =>
        at % 2 === 1 ? [] : [at + 1 < vectors.length ? fold(vector, vectors[at + 1]!) : vector],
      );
    const pairs = this.#pen.keep(vectors[0]!);
    const halves = this.#pen.keep(fold(pairs, v128.shuffle(pairs, pairs, [2, 3, 0, 1])));
    return this.#pen.keep(fold(halves, v128.shuffle(halves, halves, [1, 0, 3, 2])));
  }
}

/** How a total from outside of lanes is held. */
export type Width = "single" | "double";

/** A total outside of lanes, which loops of lanes take in across them. */
export class OuterTotal implements Total {
  readonly #pen: Pen;
  readonly #fold: Fold;
  readonly #isWhole: boolean;
  readonly #word: Local<"i32"> | undefined;
  readonly #single: Local<"v128"> | undefined;
  readonly #double: Local<"f64"> | undefined;
  #parts: Parts | undefined;

  constructor(pen: Pen, name: Name, fold: Fold, width: Width) {
    this.#pen = pen;
    this.#fold = fold;
    this.#isWhole = name.type === "whole";
    const { writer } = pen;
    if (this.#isWhole) this.#word = writer.local("i32");
    else if (width === "double" && fold === "add") this.#double = writer.local("f64");
    else this.#single = writer.local("v128");
  }

  /** Whether reading it converts it. */
  get isDouble(): boolean {
    return this.#double !== undefined;
  }

  begin(): void {
    const { push, constants } = this.#pen;
    if (this.#word !== undefined) push(this.#word.set(i32.const(firstWhole[this.#fold])));
    if (this.#double !== undefined) push(this.#double.set(f64.const(0)));
    if (this.#single !== undefined) push(this.#single.set(constants.splat(firstFloat[this.#fold])));
  }

  /** Lanes are about to take numbers in, so many vectors side by side. */
  open(units: number): void {
    this.#parts ??= new Parts(this.#pen, this.#fold, this.#isWhole, units);
    this.#parts.begin();
  }

  /** What lanes took in becomes part of it. */
  close(): void {
    const parts = this.#parts!;
    this.#parts = undefined;
    const joined = parts.joined();
    this.#add(joined);
  }

  take(value: Value): void {
    if (this.#pen.turns !== undefined) {
      this.#parts!.take(value, true);
      return;
    }
    if (this.#word !== undefined && value.kind === "lone") {
      const taken = this.#fold === "add" ? value.value : this.#pen.keep(value.value);
      this.#pen.push(this.#word.set(wordFolds[this.#fold](this.#word.get, taken)));
      return;
    }
    const lanes = lanesOf(value, this.#pen);
    this.#add(this.#isWhole ? asWholes(lanes, this.#pen)[0]! : floatsOf(value, this.#pen)[0]!);
  }

  /** The number itself in memory, 8 bytes: float64, whole, or float32. */
  store(address: I32): Statement {
    if (this.#word !== undefined) return i32.store(address, this.#word.get);
    if (this.#double !== undefined) return f64.store(address, this.#double.get);
    return v128.store32_lane(address, this.#single!.get, 0);
  }

  /** Takes in what `store` left there. */
  load(address: I32): void {
    const { push } = this.#pen;
    if (this.#double !== undefined) push(this.#double.set(f64.add(this.#double.get, f64.load(address))));
    else if (this.#word !== undefined) this.take(lone(i32.load(address)));
    else this.#add(v128.load32_splat(address));
  }

  value(): Value {
    if (this.#word !== undefined) return lone(this.#word.get);
    if (this.#double !== undefined) return floats([f32x4.splat(f32.demote_f64(this.#double.get))]);
    return floats([this.#single!.get]);
  }

  #add(vector: V128): void {
    const { push } = this.#pen;
    if (this.#word !== undefined) {
      const word = this.#pen.keep(i32x4.extract_lane(vector, 0));
      push(this.#word.set(wordFolds[this.#fold](this.#word.get, word)));
    }
    if (this.#double !== undefined)
      push(this.#double.set(f64.add(this.#double.get, f64.promote_f32(f32x4.extract_lane(vector, 0)))));
    if (this.#single !== undefined)
      push(this.#single.set(laneFolds[this.#fold][0](this.#single.get, vector)));
  }
}

/** A total of each lane. Long sums go into float64 from time to time (`flush`). */
export class LaneTotal implements Total {
  readonly #pen: Pen;
  readonly #parts: Parts;
  readonly #sums:
    { readonly low: readonly Local<"v128">[]; readonly high: readonly Local<"v128">[] } | undefined;
  readonly #isWhole: boolean;

  constructor(pen: Pen, name: Name, fold: Fold, width: Width) {
    this.#pen = pen;
    this.#isWhole = name.type === "whole";
    this.#parts = new Parts(pen, fold, this.#isWhole, pen.units);
    if (width === "double" && fold === "add" && !this.#isWhole)
      this.#sums = {
        low: pen.writer.locals("v128", pen.units),
        high: pen.writer.locals("v128", pen.units),
      };
  }

  begin(): void {
    this.#parts.begin();
    const { push } = this.#pen;
    for (const local of [...(this.#sums?.low ?? []), ...(this.#sums?.high ?? [])]) push(local.set(v128.zero));
  }

  take(value: Value): void {
    this.#parts.take(value, false);
  }

  /** What has been taken so far goes into float64. */
  flush(): void {
    const sums = this.#sums;
    if (sums === undefined) return;
    const { push } = this.#pen;
    this.#parts.locals.forEach(({ get }, unit) => {
      const [low, high] = [sums.low[unit]!, sums.high[unit]!];
      push(
        low.set(f64x2.add(low.get, f64x2.promote_low_f32x4(get))),
        high.set(f64x2.add(high.get, f64x2.promote_low_f32x4(v128.shuffle(get, get, [2, 3, 2, 3])))),
      );
    });
    this.#parts.begin();
  }

  value(): Value {
    if (this.#sums !== undefined) {
      this.flush();
      const [low, high] = [this.#sums.low, this.#sums.high].map((locals) => locals.map(({ get }) => get));
      return floats(
        low!.map((vector, unit) =>
          v128.shuffle(f32x4.demote_f64x2_zero(vector), f32x4.demote_f64x2_zero(high![unit]!), [0, 1, 4, 5]),
        ),
      );
    }
    const vectors = this.#parts.locals.map(({ get }) => get);
    return this.#isWhole ? wholes(vectors) : floats(vectors);
  }
}
