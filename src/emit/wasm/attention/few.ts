import type { I32, Statement, V128 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { f32, i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { multiplyAdd } from "../machine.ts";
import { roundedDown } from "./geometry.ts";
import { transposed } from "./pack.ts";
import { TILE_BYTES, tileOffset } from "./tile.ts";

/** Rows of keys or values of one head: the first, and the bytes to the next. */
interface KeyRows {
  readonly at: I32;
  readonly row: I32;
  readonly width: I32;
}

interface Keys {
  readonly from: I32;
  readonly to: I32;
}

/** Where row `n` of rows `row` bytes apart begins: the address and a constant offset. */
const nth = (at: I32, row: I32, n: number): readonly [I32, number] =>
  row.known === undefined || row.known < 0
    ? [i32.add(at, i32.mul(row, i32.const(n))), 0]
    : [at, n * row.known];

/** Keys that are multiplied side by side. */
const SIDE = 8;

/**
 * Products of one query with keys as they lie, times a factor: a row of scores, of which `scores` is where that of key 0
 * would stand. For few queries memory is the limit, and packing would only add to it.
 */
export function dotProducts(
  k: KernelWriter,
  phase: Phase,
  { query, scores, factor }: { readonly query: I32; readonly scores: I32; readonly factor: V128 },
  { at, row, width }: KeyRows,
  { from, to }: Keys,
): Statement[] {
  const [place, column] = phase.locals("i32", 2);
  const [lanes] = phase.locals("v128", 1);
  const sums = phase.locals("v128", SIDE);
  const start = phase.local("i32");
  const add = (count: number, load: (address: I32, offset: number) => V128): Statement[] => [
    lanes!.set(load(i32.add(query, column!.get), 0)),
    ...sums.slice(0, count).map((sum, n) => {
      const [first, offset] = nth(i32.add(place!.get, column!.get), row, n);
      return sum.set(multiplyAdd(k.machine, lanes!.get, load(first, offset), sum.get));
    }),
  ];
  const together = (key: I32, count: number): Statement[] => [
    place!.set(i32.add(at, i32.mul(key, row))),
    ...sums.slice(0, count).map((sum) => sum.set(v128.zero)),
    phase.range(i32.const(0), roundedDown(width, 4), 4, (d) => [
      column!.set(i32.shl(d, i32.const(2))),
      ...add(count, v128.load),
    ]),
    phase.range(roundedDown(width, 4), width, 1, (d) => [
      column!.set(i32.shl(d, i32.const(2))),
      ...add(count, v128.load32_zero),
    ]),
  ];
  const scoreAt = (key: I32): I32 => i32.add(scores, i32.shl(key, i32.const(2)));
  const scaled = (x: V128): V128 => f32x4.mul(x, factor);
  return [
    start.set(i32.add(from, roundedDown(i32.sub(to, from), SIDE))),
    phase.range(from, start.get, SIDE, (key) => [
      ...together(key, SIDE),
      ...[0, 4].map((half) => v128.store(scoreAt(key), scaled(summed(sums.slice(half, half + 4))), 4 * half)),
    ]),
    phase.range(start.get, to, 1, (key) => [
      ...together(key, 1),
      v128.store32_lane(scoreAt(key), scaled(summed([sums[0]!, sums[0]!, sums[0]!, sums[0]!])), 0),
    ]),
  ];
}

/** The sums of the lanes of four vectors. */
function summed(vectors: readonly Local<"v128">[]): V128 {
  const [a, b, c, d] = transposed(vectors) as [V128, V128, V128, V128];
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}

/**
 * Adds values times their weights to a row of a tile, as they lie; `weights` is where the weight of key 0 would stand.
 * What is there counts `factor` times. A key whose weight is 0 has no part, whatever its values are.
 */
export function weightedSums(
  k: KernelWriter,
  phase: Phase,
  { weights, sums: to, factor }: { readonly weights: I32; readonly sums: I32; readonly factor: V128 },
  { at, row, width }: KeyRows,
  keys: Keys,
): Statement[] {
  const [place, out] = phase.locals("i32", 2);
  const weight = phase.local("f32");
  const lanes = phase.local("v128");
  const sums = phase.locals("v128", SIDE);
  const columns = (first: I32, count: number, { load, store }: Access): Statement[] => [
    out!.set(i32.add(to, tileOffset(first))),
    ...sums.slice(0, count).map((sum, n) => {
      const known = f32x4.mul(factor, load(out!.get, vectorOffset(n)));
      return sum.set(v128.and(known, f32x4.ne(factor, v128.zero)));
    }),
    place!.set(i32.add(i32.add(at, i32.mul(keys.from, row)), i32.shl(first, i32.const(2)))),
    phase.range(keys.from, keys.to, 1, (key) => [
      weight.set(f32.load(i32.add(weights, i32.shl(key, i32.const(2))))),
      when(f32.ne(weight.get, f32.const(0)), [
        lanes.set(f32x4.splat(weight.get)),
        ...sums
          .slice(0, count)
          .map((sum, n) => sum.set(multiplyAdd(k.machine, lanes.get, load(place!.get, 16 * n), sum.get))),
      ]),
      place!.set(i32.add(place!.get, row)),
    ]),
    ...sums.slice(0, count).map((sum, n) => store(out!.get, sum.get, vectorOffset(n))),
  ];
  const [wide, whole] = [roundedDown(width, 4 * SIDE), roundedDown(width, 4)];
  return [
    phase.range(i32.const(0), wide, 4 * SIDE, (column) => columns(column, SIDE, fourColumns)),
    phase.range(wide, whole, 4, (column) => columns(column, 1, fourColumns)),
    phase.range(whole, width, 1, (column) => columns(column, 1, oneColumn)),
  ];
}

interface Access {
  readonly load: (address: I32, offset: number) => V128;
  readonly store: (address: I32, value: V128, offset: number) => Statement;
}

const fourColumns: Access = { load: v128.load, store: v128.store };
const oneColumn: Access = {
  load: v128.load32_zero,
  store: (address, value, offset) => v128.store32_lane(address, value, 0, offset),
};

/** Where the nth vector of a row of tiles stands from its first, if that is the first of a tile. */
const vectorOffset = (n: number): number => (n >> 1) * TILE_BYTES + (n & 1) * 16;
