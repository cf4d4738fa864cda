import type { I32, Statement, V128 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { Phase } from "../kernel.ts";
import { roundedDown } from "./geometry.ts";

/** Copies a row, times a factor: `from` is where one or four of its columns stand, the first of these a multiple of 4. */
export function storeRow(phase: Phase, { from, to, width, factor }: StoredRow): Statement[] {
  const whole = roundedDown(width, 4);
  const target = (column: I32): I32 => i32.add(to, i32.shl(column, i32.const(2)));
  return [
    phase.range(i32.const(0), whole, 4, (column) => [
      v128.store(target(column), f32x4.mul(factor, v128.load(from(column)))),
    ]),
    phase.range(whole, width, 1, (column) => [
      v128.store32_lane(target(column), f32x4.mul(factor, v128.load32_zero(from(column))), 0),
    ]),
  ];
}

interface StoredRow {
  readonly from: (column: I32) => I32;
  readonly to: I32;
  readonly width: I32;
  readonly factor: V128;
}

/** A row that is added, times weights, to rows or from rows: what of it is no finite number was left out of the products. */
export interface Rest {
  /** The keys, and where the weight of one stands. */
  readonly from: I32;
  readonly to: I32;
  readonly weightAt: (key: I32) => I32;
  readonly width: I32;
  readonly valueAt: (key: I32, column: I32) => I32;
  readonly sumAt: (key: I32, column: I32) => I32;
}

/** Adds the products of weights that are not 0 with values that are no finite numbers. */
export function addRest(phase: Phase, { from, to, weightAt, width, valueAt, sumAt }: Rest): Statement {
  const [weight, value] = phase.locals("f32", 2);
  const at = phase.local("i32");
  const zero = f32.const(0);
  return phase.range(from, to, 1, (key) => [
    weight!.set(f32.load(weightAt(key))),
    when(f32.ne(weight!.get, zero), [
      phase.range(i32.const(0), width, 1, (column) => [
        value!.set(f32.load(valueAt(key, column))),
        when(f32.ne(f32.sub(value!.get, value!.get), zero), [
          at.set(sumAt(key, column)),
          f32.store(at.get, f32.add(f32.load(at.get), f32.mul(weight!.get, value!.get))),
        ]),
      ]),
    ]),
  ]);
}
