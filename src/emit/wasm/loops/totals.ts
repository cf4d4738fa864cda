import type { Fold, Name } from "../../loops/tree.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import { select } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { f32, f64, i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { asWholes, floats } from "../functions/lanes.ts";
import { firstFloat, firstWhole, laneFolds, partsOf, type Extremes, type Parts } from "./parts.ts";
import type { Pen } from "./pen.ts";
import { floatsOf, lanesOf, lone, type Value } from "./values.ts";

const wordFolds: { readonly [F in Fold]: (x: I32, y: I32) => I32 } = {
  add: i32.add,
  max: (x, y) => select(i32.ge_s(x, y), x, y),
  min: (x, y) => select(i32.le_s(x, y), x, y),
  peak: (x, y) => select(i32.ge_s(x, y), x, y),
};

/** How a total from outside of lanes is held. */
export type Width = "single" | "double";

/** A total outside of lanes, which loops of lanes take in across them. */
export class OuterTotal {
  readonly #pen: Pen;
  readonly #fold: Fold;
  readonly #isWhole: boolean;
  readonly #word: Local<"i32"> | undefined;
  readonly #single: Local<"v128"> | undefined;
  readonly #double: Local<"f64"> | undefined;
  #parts: Parts | Extremes | undefined;

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
    this.#parts ??= partsOf(this.#pen, { fold: this.#fold, isWhole: this.#isWhole, isAcross: true }, units);
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
      this.#parts!.take(value);
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
