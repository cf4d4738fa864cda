import { dim, multiplyDims, sameDim, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { roundedDown } from "./geometry.ts";
import { across } from "./scores.ts";
import type { RowOf } from "./stretched.ts";

/** Adds rows of slopes to the gradient of a bias. */
export class BiasAdder {
  readonly #phase: Phase;
  readonly #at: I32;
  readonly #step: I32;
  readonly #strides: readonly I32[];
  readonly #isOneKey: boolean;
  readonly #part: Local<"i32">;
  readonly #to: Local<"i32">;
  readonly #sum: Local<"v128">;

  /** Parts begin `step` bytes apart. */
  constructor(
    k: KernelWriter,
    phase: Phase,
    { at, step, strides }: { readonly at: I32; readonly step: I32; readonly strides: readonly Dim[] },
  ) {
    this.#phase = phase;
    this.#at = at;
    this.#step = step;
    this.#strides = strides.map((stride) => k.size(multiplyDims(stride, dim(4)))(phase));
    this.#isOneKey = sameDim(strides[3], dim(0));
    [this.#part, this.#to] = [phase.local("i32"), phase.local("i32")];
    this.#sum = phase.local("v128");
  }

  begin(part: I32): Statement {
    return this.#part.set(i32.add(this.#at, i32.mul(part, this.#step)));
  }

  /** Adds the slopes of a row, that of key 0 would stand at `slopes`, from one key to another. */
  add(slopes: I32, row: RowOf, from: I32, to: I32): Statement[] {
    const begin = this.#enter(row);
    const bytes = (key: I32): I32 => i32.shl(key, i32.const(2));
    const slope = (key: I32): I32 => i32.add(slopes, bytes(key));
    if (this.#isOneKey) return [begin, ...this.#addTogether(slope, from, to)];
    const place = (key: I32): I32 => i32.add(this.#to.get, bytes(key));
    const whole = i32.add(from, roundedDown(i32.sub(to, from), 4));
    return [
      begin,
      this.#phase.range(from, whole, 4, (key) => [
        v128.store(place(key), f32x4.add(v128.load(place(key)), v128.load(slope(key)))),
      ]),
      this.#phase.range(whole, to, 1, (key) => [
        f32.store(place(key), f32.add(f32.load(place(key)), f32.load(slope(key)))),
      ]),
    ];
  }

  /** Makes the gradients of a row NaN, for all of so many keys. */
  spoil(row: RowOf, keys: I32): Statement[] {
    return [
      this.#enter(row),
      this.#phase.range(i32.const(0), this.#isOneKey ? i32.const(1) : keys, 1, (key) => [
        f32.store(i32.add(this.#to.get, i32.shl(key, i32.const(2))), f32.const(NaN)),
      ]),
    ];
  }

  #enter({ item, head, query }: RowOf): Statement {
    const [byItem, byHead, byQuery] = this.#strides;
    const first = i32.add(i32.add(this.#part.get, i32.mul(item, byItem!)), i32.mul(head, byHead!));
    return this.#to.set(i32.add(first, i32.mul(query, byQuery!)));
  }

  #addTogether(slope: (key: I32) => I32, from: I32, to: I32): Statement[] {
    const lanes = (key: I32): V128 => v128.load32_zero(slope(key));
    const target = this.#to.get;
    return [
      this.#sum.set(v128.zero),
      this.#phase.range(from, to, 1, (key) => [this.#sum.set(f32x4.add(this.#sum.get, lanes(key)))]),
      ...across(f32x4.add, this.#sum),
      f32.store(target, f32.add(f32.load(target), f32x4.extract_lane(this.#sum.get, 0))),
    ];
  }
}
