import { mergeAxes, type View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { dim, multiplyDims, productOfDims } from "../../../tensor/dim.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { block, branchIf, lesser, loop, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase, WasmKernel } from "../kernel.ts";

/**
 * The k largest of each row by insertion into the sorted list that is the result; four elements are passed over at once
 * where none is above the last of it.
 */
export const topk: WasmKernel<"topk"> = (step, k) => {
  new TopkCode(step, k).write();
  return k.finish("topk", "The k largest elements of each row, largest first, and where they stood.");
};

class TopkCode {
  readonly #phase: Phase;
  readonly #isFloat: boolean;
  readonly #most: number;
  readonly #rowAt: (row: I32) => I32;
  readonly #rows: I32;
  readonly #width: I32;
  readonly #starts: readonly [I32, I32];
  /** Of the row: its elements, and its results. */
  readonly #x: Local<"i32">;
  readonly #values: Local<"i32">;
  readonly #indices: Local<"i32">;
  readonly #held: Local<"i32">;
  /** The last of the list, once it is full. */
  readonly #last: Local<"v128">;

  constructor({ operands: { x }, attrs, results: [values, indices] }: StepOf<"topk">, k: KernelWriter) {
    const phase = k.phase();
    this.#phase = phase;
    this.#isFloat = isFloat(x.type.dtype);
    this.#most = attrs.k;
    this.#rowAt = rowAddress(k, phase, x);
    this.#rows = k.size(productOfDims(x.type.shape.slice(0, -1)))(phase);
    this.#width = k.size(x.type.shape.at(-1)!)(phase);
    this.#starts = [k.address(values!)(phase), k.address(indices!)(phase)];
    const local = (): Local<"i32"> => phase.local("i32");
    [this.#x, this.#values, this.#indices, this.#held] = [local(), local(), local(), local()];
    this.#last = phase.local("v128");
  }

  write(): void {
    const phase = this.#phase;
    const { from, to } = phase.share(this.#rows);
    const whole = i32.and(this.#width, i32.const(-4));
    const insert = this.#insert();
    phase.push(
      phase.range(from, to, 1, (row) => {
        const offset = i32.mul(row, i32.const(4 * this.#most));
        return [
          this.#x.set(this.#rowAt(row)),
          this.#values.set(i32.add(this.#starts[0], offset)),
          this.#indices.set(i32.add(this.#starts[1], offset)),
          this.#held.set(i32.const(0)),
          phase.range(i32.const(0), whole, 4, (column) => [
            when(this.#isAnyAbove(i32.add(this.#x.get, i32.shl(column, i32.const(2)))), [
              phase.range(column, i32.add(column, i32.const(4)), 1, insert),
            ]),
          ]),
          phase.range(whole, this.#width, 1, insert),
        ];
      }),
    );
  }

  /** Whether one of four elements may have a place; where a NaN is in question it may. */
  #isAnyAbove(at: I32): I32 {
    const four = v128.load(at);
    const above = this.#isFloat ? v128.not(f32x4.le(four, this.#last.get)) : i32x4.gt_s(four, this.#last.get);
    return i32.or(i32.lt_s(this.#held.get, i32.const(this.#most)), v128.any_true(above));
  }

  /** Puts an element where it belongs. */
  #insert(): (column: I32) => Statement[] {
    const phase = this.#phase;
    const [place, value, turn] = [phase.local("i32"), phase.local("i32"), phase.local("i32")];
    const before = i32.sub(place.get, i32.const(1));
    const at = (list: Local<"i32">, index: I32): I32 => i32.add(list.get, i32.shl(index, i32.const(2)));
    const move = (list: Local<"i32">, to: I32): Statement =>
      i32.store(at(list, to), i32.load(at(list, i32.sub(to, i32.const(1)))));
    return (column) => [
      value.set(i32.load(at(this.#x, column))),
      place.set(this.#held.get),
      block((exit) => [
        loop((again) => [
          branchIf(exit, i32.eqz(place.get)),
          branchIf(exit, i32.eqz(this.#isAbove(value.get, i32.load(at(this.#values, before))))),
          place.set(before),
          branchIf(again, i32.const(1)),
        ]),
      ]),
      when(i32.lt_s(place.get, i32.const(this.#most)), [
        this.#held.set(lesser(i32.add(this.#held.get, i32.const(1)), i32.const(this.#most))),
        turn.set(i32.sub(this.#held.get, i32.const(1))),
        block((exit) => [
          loop((again) => [
            branchIf(exit, i32.le_s(turn.get, place.get)),
            move(this.#values, turn.get),
            move(this.#indices, turn.get),
            turn.set(i32.sub(turn.get, i32.const(1))),
            branchIf(again, i32.const(1)),
          ]),
        ]),
        i32.store(at(this.#values, place.get), value.get),
        i32.store(at(this.#indices, place.get), column),
        this.#last.set(v128.load32_splat(at(this.#values, i32.sub(this.#held.get, i32.const(1))))),
      ]),
    ];
  }

  /** Larger; a NaN is above every number, an equal element not above those before it. */
  #isAbove(value: I32, held: I32): I32 {
    if (!this.#isFloat) return i32.gt_s(value, held);
    const [x, y] = [f32.reinterpret_i32(value), f32.reinterpret_i32(held)];
    return i32.or(f32.gt(x, y), i32.and(f32.ne(x, x), f32.eq(y, y)));
  }
}

/** Where the rows of a view begin, counted through its leading axes. */
function rowAddress(k: KernelWriter, phase: Phase, view: View): (row: I32) => I32 {
  const axes = mergeAxes(view.type.shape.slice(0, -1), [view.strides.slice(0, -1)]);
  const start = k.address(view)(phase);
  const inner = axes.map((_, axis) => productOfDims(axes.slice(axis + 1).map(({ size }) => size)));
  const known = axes.map(({ size, strides }, axis) => ({
    size: k.size(size)(phase),
    step: k.size(multiplyDims(strides[0]!, dim(4)))(phase),
    inner: k.size(inner[axis]!)(phase),
    isFirst: axis === 0,
  }));
  return (row) =>
    known.reduce((address, { size, step, inner, isFirst }) => {
      const outer = i32.div_u(row, inner);
      return i32.add(address, i32.mul(isFirst ? outer : i32.rem_u(outer, size), step));
    }, start);
}
