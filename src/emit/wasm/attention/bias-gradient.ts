import { denseStrides, type View } from "../../../kernels/view.ts";
import { constantDim, dim, multiplyDims, sameDim, type Dim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { I32 } from "../assembler/code.ts";
import { f32, f64, i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { BiasAdder } from "./bias-adder.ts";
import type { Sizes } from "./geometry.ts";

/** Parts into which batch items and key heads are divided where all of them add to one bias. */
const PARTS = 8;

/** Batch items and key heads, numbered one after the other, of which each part is one thread's. */
export interface Dealt {
  readonly parts: I32;
  readonly from: (part: I32) => I32;
  readonly to: (part: I32) => I32;
  readonly item: (part: I32, index: I32) => I32;
  readonly keyHead: (part: I32, index: I32) => I32;
}

/**
 * Who adds to the gradient of a bias, so that the order of the sums is that of the sizes: a head's for all items if items
 * share the bias, an item's for all heads if heads share it. Where both do, parts add up for themselves, and a last phase
 * adds the parts.
 */
export class BiasGradient {
  readonly #k: KernelWriter;
  readonly #view: View | undefined;
  readonly #strides: readonly Dim[];
  readonly #byItem: boolean;
  readonly #byHead: boolean;
  readonly #partial: ((phase: Phase) => I32) | undefined;

  constructor(k: KernelWriter, { batch, keyHeads }: Sizes, view: View | undefined) {
    this.#k = k;
    this.#view = view;
    this.#strides = view === undefined ? [] : scoreStrides(view);
    const isApart = (axis: 0 | 1, size: Dim): boolean =>
      view === undefined || constantDim(size) === 1 || !sameDim(this.#strides[axis], dim(0));
    [this.#byItem, this.#byHead] = [isApart(0, batch), isApart(1, keyHeads)];
    if (view === undefined || this.#byItem || this.#byHead) return;
    this.#partial = k.shared(multiplyDims(dim(4 * PARTS), elementsOf(view.type)));
  }

  /** A phase before all others: zeros. */
  clear(): void {
    if (this.#view === undefined) return;
    const phase = this.#k.phase();
    const count = this.#k.size(elementsOf(this.#view.type))(phase);
    const all = this.#partial === undefined ? count : i32.mul(count, i32.const(PARTS));
    const { from, to } = phase.share(all);
    const at = this.#start(phase);
    phase.push(
      phase.range(from, to, 1, (index) => [
        f32.store(i32.add(at, i32.shl(index, i32.const(2))), f32.const(0)),
      ]),
    );
  }

  /** A phase after all others: the sums of the parts, if there are parts. */
  join(): void {
    if (this.#view === undefined || this.#partial === undefined) return;
    const phase = this.#k.phase();
    const count = this.#k.size(elementsOf(this.#view.type))(phase);
    const [at, parts] = [this.#k.address(this.#view)(phase), this.#partial(phase)];
    const { from, to } = phase.share(count);
    const sum = phase.local("f64");
    phase.push(
      phase.range(from, to, 1, (index) => [
        sum.set(f64.const(0)),
        phase.range(i32.const(0), i32.const(PARTS), 1, (part) => {
          const place = i32.add(i32.mul(part, count), index);
          return [
            sum.set(
              f64.add(sum.get, f64.promote_f32(f32.load(i32.add(parts, i32.shl(place, i32.const(2)))))),
            ),
          ];
        }),
        f32.store(i32.add(at, i32.shl(index, i32.const(2))), f32.demote_f64(sum.get)),
      ]),
    );
  }

  dealt(phase: Phase, { batch, keyHeads }: Sizes): Dealt {
    const [items, heads] = [this.#k.size(batch)(phase), this.#k.size(keyHeads)(phase)];
    const all = phase.still(i32.mul(items, heads));
    const zero = (): I32 => i32.const(0);
    const quotient = (_: I32, index: I32): I32 => i32.div_u(index, heads);
    const rest = (_: I32, index: I32): I32 => i32.rem_u(index, heads);
    if (this.#byItem && this.#byHead)
      return {
        parts: all,
        from: (part) => part,
        to: (part) => i32.add(part, i32.const(1)),
        ...{ item: quotient, keyHead: rest },
      };
    if (this.#byHead)
      return {
        parts: heads,
        from: zero,
        to: () => items,
        item: (_, index) => index,
        keyHead: (part) => part,
      };
    if (this.#byItem)
      return {
        parts: items,
        from: zero,
        to: () => heads,
        item: (part) => part,
        keyHead: (_, index) => index,
      };
    const bound = (part: I32): I32 => i32.div_u(i32.mul(all, part), i32.const(PARTS));
    return {
      parts: i32.const(PARTS),
      from: bound,
      to: (part) => bound(i32.add(part, i32.const(1))),
      ...{ item: quotient, keyHead: rest },
    };
  }

  /** Adds the slopes of rows to the gradient, in a phase. */
  adder(phase: Phase): BiasAdder | undefined {
    if (this.#view === undefined) return undefined;
    const bytes = multiplyDims(dim(4), elementsOf(this.#view.type));
    const step = this.#partial === undefined ? i32.const(0) : this.#k.size(bytes)(phase);
    return new BiasAdder(this.#k, phase, { at: this.#start(phase), step, strides: this.#strides });
  }

  #start(phase: Phase): I32 {
    return this.#partial === undefined ? this.#k.address(this.#view!)(phase) : this.#partial(phase);
  }
}

/** Strides of a dense tensor that stretches to the scores [B, H, T, S]: 0 where it does. */
function scoreStrides({ type: { shape } }: View): Dim[] {
  const strides = denseStrides(shape).map((stride, axis) =>
    constantDim(shape[axis]!) === 1 ? dim(0) : stride,
  );
  return [...Array.from({ length: 4 - shape.length }, () => dim(0)), ...strides];
}
