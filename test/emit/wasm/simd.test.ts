import { describe, expect, test } from "vitest";
import type { Code, I32, V128, ValueType } from "../../../src/emit/wasm/assembler/code.ts";
import { f32, f64, i32 } from "../../../src/emit/wasm/assembler/numbers.ts";
import { f32x4, f64x2, i16x8, i32x4, i64x2, i8x16, v128 } from "../../../src/emit/wasm/assembler/simd.ts";
import { RESULT_AT, memoryAfter, valueOf } from "./code.ts";

type Kind = "f32" | "f64" | "i32" | "i64";

/** An instruction on three vectors, in memory from 0, 16 and 32 on, and what it must give: lanes of a kind, or one number. */
interface Case {
  readonly make: (x: V128, y: V128, z: V128) => Code<ValueType>;
  readonly of: Kind;
  readonly gives: Kind;
  readonly wanted: (x: readonly number[], y: readonly number[], z: readonly number[]) => readonly number[];
}

const operands: Readonly<Record<Kind, readonly (readonly number[])[]>> = {
  f32: [
    [1.5, -2.5, NaN, -0],
    [2.5, -2.5, 1, 0],
    [0.5, 3, -1, 7],
  ],
  f64: [
    [1.5, -2.5],
    [NaN, -2.5],
    [0.1, 7],
  ],
  i32: [
    [5, -7, 2 ** 31 - 1, 0],
    [3, -9, 1, 0],
    [-1, 0, 255, 4],
  ],
  i64: [
    [5, 2 ** 40 + 3],
    [1, 2],
    [3, 4],
  ],
};

const typed = (kind: Kind, values: readonly number[]): Uint8Array => {
  const array = {
    f32: () => Float32Array.from(values),
    f64: () => Float64Array.from(values),
    i32: () => Int32Array.from(values),
    i64: () => BigInt64Array.from(values, BigInt),
  }[kind]();
  return new Uint8Array(array.buffer);
};

const read = (view: DataView, kind: Kind, count: number): number[] =>
  Array.from({ length: count }, (_, lane) => {
    switch (kind) {
      case "f32":
        return view.getFloat32(4 * lane, true);
      case "f64":
        return view.getFloat64(8 * lane, true);
      case "i32":
        return view.getInt32(4 * lane, true);
      case "i64":
        return Number(view.getBigInt64(8 * lane, true));
    }
  });

/** The same in each lane. */
const lanes =
  (of: Kind, gives: Kind) =>
  (make: Case["make"], lane: (x: number, y: number, z: number) => number): Case => ({
    make,
    of,
    gives,
    wanted: (x, y, z) => x.map((value, index) => lane(value, y[index]!, z[index]!)),
  });

const mask = (truth: boolean): number => (truth ? -1 : 0);
const comparisons = {
  eq: (x: number, y: number) => mask(x === y),
  ne: (x: number, y: number) => mask(x !== y),
  lt: (x: number, y: number) => mask(x < y),
  gt: (x: number, y: number) => mask(x > y),
  le: (x: number, y: number) => mask(x <= y),
  ge: (x: number, y: number) => mask(x >= y),
};
const nearest = (x: number): number => {
  const floor = Math.floor(x);
  const even = floor % 2 === 0 ? floor : floor + 1;
  return x - floor === 0.5 ? even : Math.round(x);
};
const smaller = (x: number, y: number): number => Math.min(x, y);
const larger = (x: number, y: number): number => Math.max(x, y);
const clamp = (low: number, high: number) => (x: number) =>
  Number.isNaN(x) ? 0 : Math.max(low, Math.min(high, Math.trunc(x))) | 0;
const toSigned = clamp(-(2 ** 31), 2 ** 31 - 1);
const toUnsigned = clamp(0, 2 ** 32 - 1);

const float = lanes("f32", "f32");
const floatMask = lanes("f32", "i32");
const floatCases: { readonly [K in keyof typeof f32x4]: Case } = {
  splat: {
    make: () => f32x4.splat(f32.load(i32.const(4))),
    of: "f32",
    gives: "f32",
    wanted: () => [-2.5, -2.5, -2.5, -2.5],
  },
  extract_lane: { make: (x) => f32x4.extract_lane(x, 1), of: "f32", gives: "f32", wanted: () => [-2.5] },
  replace_lane: {
    make: (x) => f32x4.replace_lane(x, 2, f32.const(9)),
    of: "f32",
    gives: "f32",
    wanted: () => [1.5, -2.5, 9, -0],
  },
  eq: floatMask(f32x4.eq, comparisons.eq),
  ne: floatMask(f32x4.ne, comparisons.ne),
  lt: floatMask(f32x4.lt, comparisons.lt),
  gt: floatMask(f32x4.gt, comparisons.gt),
  le: floatMask(f32x4.le, comparisons.le),
  ge: floatMask(f32x4.ge, comparisons.ge),
  ceil: float(f32x4.ceil, Math.ceil),
  floor: float(f32x4.floor, Math.floor),
  trunc: float(f32x4.trunc, Math.trunc),
  nearest: float(f32x4.nearest, nearest),
  abs: float(f32x4.abs, Math.abs),
  neg: float(f32x4.neg, (x) => -x),
  sqrt: float(f32x4.sqrt, (x) => Math.fround(Math.sqrt(x))),
  add: float(f32x4.add, (x, y) => x + y),
  sub: float(f32x4.sub, (x, y) => x - y),
  mul: float(f32x4.mul, (x, y) => x * y),
  div: float(f32x4.div, (x, y) => Math.fround(x / y)),
  min: float(f32x4.min, smaller),
  max: float(f32x4.max, larger),
  pmin: float(f32x4.pmin, (x, y) => (y < x ? y : x)),
  pmax: float(f32x4.pmax, (x, y) => (x < y ? y : x)),
  convert_i32x4_s: lanes("i32", "f32")(f32x4.convert_i32x4_s, Math.fround),
  convert_i32x4_u: lanes("i32", "f32")(f32x4.convert_i32x4_u, (x) => Math.fround(x >>> 0)),
  demote_f64x2_zero: {
    make: f32x4.demote_f64x2_zero,
    of: "f64",
    gives: "f32",
    wanted: () => [1.5, -2.5, 0, 0],
  },
  relaxed_madd: float(f32x4.relaxed_madd, (x, y, z) => x * y + z),
  relaxed_nmadd: float(f32x4.relaxed_nmadd, (x, y, z) => -(x * y) + z),
};

const double = lanes("f64", "f64");
const doubleMask = lanes("f64", "i64");
const doubleCases: { readonly [K in keyof typeof f64x2]: Case } = {
  splat: {
    make: () => f64x2.splat(f64.load(i32.const(8))),
    of: "f64",
    gives: "f64",
    wanted: () => [-2.5, -2.5],
  },
  extract_lane: { make: (x) => f64x2.extract_lane(x, 1), of: "f64", gives: "f64", wanted: () => [-2.5] },
  replace_lane: {
    make: (x) => f64x2.replace_lane(x, 0, f64.const(0.1)),
    of: "f64",
    gives: "f64",
    wanted: () => [0.1, -2.5],
  },
  eq: doubleMask(f64x2.eq, comparisons.eq),
  ne: doubleMask(f64x2.ne, comparisons.ne),
  lt: doubleMask(
    (x, _, z) => f64x2.lt(x, z),
    (x, _, z) => mask(x < z),
  ),
  gt: doubleMask(
    (x, _, z) => f64x2.gt(x, z),
    (x, _, z) => mask(x > z),
  ),
  le: doubleMask(f64x2.le, comparisons.le),
  ge: doubleMask(f64x2.ge, comparisons.ge),
  ceil: double(f64x2.ceil, Math.ceil),
  floor: double(f64x2.floor, Math.floor),
  trunc: double(f64x2.trunc, Math.trunc),
  nearest: double(f64x2.nearest, nearest),
  abs: double(f64x2.abs, Math.abs),
  neg: double(f64x2.neg, (x) => -x),
  sqrt: double(f64x2.sqrt, Math.sqrt),
  add: double(f64x2.add, (x, y) => x + y),
  sub: double(f64x2.sub, (x, y) => x - y),
  mul: double(f64x2.mul, (x, y) => x * y),
  div: double(f64x2.div, (x, y) => x / y),
  pmin: double(
    (x, _, z) => f64x2.pmin(x, z),
    (x, _, z) => (z < x ? z : x),
  ),
  pmax: double(
    (_, y, z) => f64x2.pmax(y, z),
    (_, y, z) => (y < z ? z : y),
  ),
  promote_low_f32x4: { make: f64x2.promote_low_f32x4, of: "f32", gives: "f64", wanted: (x) => x.slice(0, 2) },
  convert_low_i32x4_s: { make: f64x2.convert_low_i32x4_s, of: "i32", gives: "f64", wanted: () => [5, -7] },
  convert_low_i32x4_u: {
    make: f64x2.convert_low_i32x4_u,
    of: "i32",
    gives: "f64",
    wanted: () => [5, 2 ** 32 - 7],
  },
  relaxed_madd: double(
    (x, _, z) => f64x2.relaxed_madd(x, x, z),
    (x, _, z) => x * x + z,
  ),
  relaxed_nmadd: double(
    (x, _, z) => f64x2.relaxed_nmadd(x, x, z),
    (x, _, z) => -(x * x) + z,
  ),
};

const whole = lanes("i32", "i32");
/** What adds to a variable has a test of its own. */
const wholeCases: { readonly [K in Exclude<keyof typeof i32x4, "relaxed_dot_i8x16_i7x16_add_s">]: Case } = {
  splat: {
    make: () => i32x4.splat(i32.load(i32.const(4))),
    of: "i32",
    gives: "i32",
    wanted: () => [-7, -7, -7, -7],
  },
  extract_lane: { make: (x) => i32x4.extract_lane(x, 1), of: "i32", gives: "i32", wanted: () => [-7] },
  replace_lane: {
    make: (x) => i32x4.replace_lane(x, 3, i32.const(-5)),
    of: "i32",
    gives: "i32",
    wanted: () => [5, -7, 2 ** 31 - 1, -5],
  },
  eq: whole(i32x4.eq, comparisons.eq),
  ne: whole(i32x4.ne, comparisons.ne),
  lt_s: whole(i32x4.lt_s, comparisons.lt),
  lt_u: whole(i32x4.lt_u, (x, y) => mask(x >>> 0 < y >>> 0)),
  gt_s: whole(i32x4.gt_s, comparisons.gt),
  gt_u: whole(i32x4.gt_u, (x, y) => mask(x >>> 0 > y >>> 0)),
  le_s: whole(i32x4.le_s, comparisons.le),
  le_u: whole(
    (x, _, z) => i32x4.le_u(x, z),
    (x, _, z) => mask(x >>> 0 <= z >>> 0),
  ),
  ge_s: whole(i32x4.ge_s, comparisons.ge),
  ge_u: whole(
    (x, _, z) => i32x4.ge_u(x, z),
    (x, _, z) => mask(x >>> 0 >= z >>> 0),
  ),
  abs: whole(i32x4.abs, Math.abs),
  neg: whole(i32x4.neg, (x) => -x | 0),
  all_true: { make: i32x4.all_true, of: "i32", gives: "i32", wanted: () => [0] },
  bitmask: { make: i32x4.bitmask, of: "i32", gives: "i32", wanted: () => [0b0010] },
  shl: whole(
    (x) => i32x4.shl(x, i32.const(3)),
    (x) => x << 3,
  ),
  shr_s: whole(
    (x) => i32x4.shr_s(x, i32.const(1)),
    (x) => x >> 1,
  ),
  shr_u: whole(
    (x) => i32x4.shr_u(x, i32.const(1)),
    (x) => x >>> 1,
  ),
  add: whole(i32x4.add, (x, y) => (x + y) | 0),
  sub: whole(i32x4.sub, (x, y) => (x - y) | 0),
  mul: whole(
    (x, _, z) => i32x4.mul(x, z),
    (x, _, z) => Math.imul(x, z),
  ),
  min_s: whole(i32x4.min_s, smaller),
  max_s: whole(i32x4.max_s, larger),
  min_u: whole(
    (x, _, z) => i32x4.min_u(x, z),
    (x, _, z) => Math.min(x >>> 0, z >>> 0) | 0,
  ),
  max_u: whole(
    (x, _, z) => i32x4.max_u(x, z),
    (x, _, z) => Math.max(x >>> 0, z >>> 0) | 0,
  ),
  trunc_sat_f32x4_s: lanes("f32", "i32")((x) => i32x4.trunc_sat_f32x4_s(x), toSigned),
  trunc_sat_f32x4_u: lanes("f32", "i32")((x) => i32x4.trunc_sat_f32x4_u(x), toUnsigned),
  trunc_sat_f64x2_s_zero: {
    make: i32x4.trunc_sat_f64x2_s_zero,
    of: "f64",
    gives: "i32",
    wanted: () => [1, -2, 0, 0],
  },
  trunc_sat_f64x2_u_zero: {
    make: i32x4.trunc_sat_f64x2_u_zero,
    of: "f64",
    gives: "i32",
    wanted: () => [1, 0, 0, 0],
  },
  dot_i16x8_s: {
    make: i32x4.dot_i16x8_s,
    of: "i32",
    gives: "i32",
    // Halves of words: 5 · 3; 7 · 9 + 1 · 1; -1 · 1 + 32767 · 0; 0.
    wanted: () => [15, 64, -1, 0],
  },
  extend_low_i16x8_s: {
    make: i32x4.extend_low_i16x8_s,
    of: "i32",
    gives: "i32",
    wanted: () => [5, 0, -7, -1],
  },
  extend_high_i16x8_s: {
    make: i32x4.extend_high_i16x8_s,
    of: "i32",
    gives: "i32",
    wanted: () => [-1, 32767, 0, 0],
  },
};

const byteCases: { readonly [K in keyof typeof i8x16]: Case } = {
  narrow_i16x8_s: {
    make: i8x16.narrow_i16x8_s,
    of: "i32",
    gives: "i32",
    wanted: () => [0xfff90005 | 0, 0x7fff, 0xfff70003 | 0, 1],
  },
  add: {
    make: i8x16.add,
    of: "i32",
    gives: "i32",
    wanted: () => [8, 0xfefefef0 | 0, 0x7fffff00, 0],
  },
  permute: {
    make: (x) => i8x16.permute(x, [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    of: "i32",
    gives: "i32",
    wanted: () => [0, 0xffffff7f | 0, 0xf9ffffff | 0, 0x05000000],
  },
};

/** What is of relaxed SIMD has a test of its own. */
const halfCases: { readonly [K in Exclude<keyof typeof i16x8, "relaxed_dot_i8x16_i7x16_s">]: Case } = {
  add: {
    make: i16x8.add,
    of: "i32",
    gives: "i32",
    wanted: () => [8, 0xfffefff0 | 0, 0x7fff0000, 0],
  },
  neg: {
    make: i16x8.neg,
    of: "i32",
    gives: "i32",
    wanted: () => [0xfffb, 0x10007, 0x80010001 | 0, 0],
  },
  max_s: {
    make: i16x8.max_s,
    of: "i32",
    gives: "i32",
    wanted: () => [5, -7, 0x7fff0001, 0],
  },
  gt_s: {
    make: i16x8.gt_s,
    of: "i32",
    gives: "i32",
    wanted: () => [0xffff, 0xffff, 0xffff0000 | 0, 0],
  },
  shl: {
    make: (x) => i16x8.shl(x, i32.const(4)),
    of: "i32",
    gives: "i32",
    wanted: () => [0x50, 0xfff0ff90 | 0, 0xfff0fff0 | 0, 0],
  },
  shr_s: {
    make: (x) => i16x8.shr_s(x, i32.const(4)),
    of: "i32",
    gives: "i32",
    wanted: () => [0, -1, 0x07ffffff, 0],
  },
  narrow_i32x4_u: {
    make: i16x8.narrow_i32x4_u,
    of: "i32",
    gives: "i32",
    wanted: () => [5, 0xffff, 3, 1],
  },
  unpack_low: {
    make: i16x8.unpack_low,
    of: "i32",
    gives: "i32",
    wanted: () => [0x00030005, 0, 0xfff7fff9 | 0, -1],
  },
  unpack_high: {
    make: i16x8.unpack_high,
    of: "i32",
    gives: "i32",
    wanted: () => [0x0001ffff, 0x7fff, 0, 0],
  },
  shr_u: {
    make: (x) => i16x8.shr_u(x, i32.const(4)),
    of: "i32",
    gives: "i32",
    wanted: () => [0, 0x0fff0fff, 0x07ff0fff, 0],
  },
  narrow_i32x4_s: {
    make: i16x8.narrow_i32x4_s,
    of: "i32",
    gives: "i32",
    wanted: () => [(-7 << 16) | 5, 32767, (-9 << 16) | 3, 1],
  },
  extend_low_i8x16_s: {
    make: i16x8.extend_low_i8x16_s,
    of: "i32",
    gives: "i32",
    wanted: () => [5, 0, -7, -1],
  },
};

const longCases: { readonly [K in keyof typeof i64x2]: Case } = {
  shl: lanes("i64", "i64")(
    (x) => i64x2.shl(x, i32.const(4)),
    (x) => x * 16,
  ),
  shr_u: lanes("i64", "i64")(
    (x) => i64x2.shr_u(x, i32.const(2)),
    (x) => Math.floor(x / 4),
  ),
};

const at = (address: number): I32 => i32.const(address);
const loaded = (make: () => V128, wanted: readonly number[]): Case => ({
  make,
  of: "i32",
  gives: "i32",
  wanted: () => wanted,
});
/** Loads and what has no lanes; what is stored has a test of its own. */
const vectorCases: {
  readonly [
    K in Exclude<keyof typeof v128, "store" | "store16_lane" | "store32_lane" | "store64_lane">
  ]: Case;
} = {
  load: loaded(() => v128.load(at(0), 16), operands.i32[1]!),
  load32_splat: loaded(() => v128.load32_splat(at(4)), [-7, -7, -7, -7]),
  load64_splat: loaded(() => v128.load64_splat(at(0)), [5, -7, 5, -7]),
  load32_zero: loaded(() => v128.load32_zero(at(4)), [-7, 0, 0, 0]),
  load64_zero: loaded(() => v128.load64_zero(at(0)), [5, -7, 0, 0]),
  load32_lane: { ...loaded(() => v128.zero, [5, -7, -9, 0]), make: (x) => v128.load32_lane(at(4), x, 2, 16) },
  load16x4_u: loaded(() => v128.load16x4_u(at(0)), [5, 0, 65529, 65535]),
  load8x8_s: loaded(() => v128.load8x8_s(at(0)), [5, 0, -7, -1]),
  load16x4_s: loaded(() => v128.load16x4_s(at(0)), [5, 0, -7, -1]),
  const: {
    make: () => v128.const([1, 2, -0, 0.1]),
    of: "f32",
    gives: "f32",
    wanted: () => [1, 2, -0, Math.fround(0.1)],
  },
  zero: { make: () => v128.zero, of: "f32", gives: "f32", wanted: () => [0, 0, 0, 0] },
  not: whole(v128.not, (x) => ~x),
  and: whole(v128.and, (x, y) => x & y),
  andnot: whole(v128.andnot, (x, y) => x & ~y),
  or: whole(v128.or, (x, y) => x | y),
  xor: whole(v128.xor, (x, y) => x ^ y),
  bitselect: whole(v128.bitselect, (x, y, z) => (x & z) | (y & ~z)),
  any_true: { make: v128.any_true, of: "i32", gives: "i32", wanted: () => [1] },
  shuffle: {
    make: (x, y) => v128.shuffle(x, y, [7, 0, 2, 5]),
    of: "i32",
    gives: "i32",
    wanted: (x, y) => [y[3]!, x[0]!, x[2]!, y[1]!],
  },
};

describe.each(
  Object.entries({
    f32x4: floatCases,
    f64x2: doubleCases,
    i32x4: wholeCases,
    i8x16: byteCases,
    i16x8: halfCases,
    i64x2: longCases,
    v128: vectorCases,
  }),
)("%s", (_, cases) => {
  test.each(Object.entries<Case>(cases))("%s is what its name says", (_, { make, of, gives, wanted }) => {
    const memory = new Uint8Array(48);
    operands[of].forEach((values, index) => {
      memory.set(typed(of, values), 16 * index);
    });
    const view = valueOf(memory, () => make(v128.load(at(0)), v128.load(at(16)), v128.load(at(32))));
    const rounded = operands[of].map((values) =>
      read(new DataView(typed(of, values).buffer), of, values.length),
    );
    const expected = wanted(rounded[0]!, rounded[1]!, rounded[2]!);
    expect(read(view, gives, expected.length)).toEqual([...expected]);
  });
});

test("vectors and lanes of them are stored where the address says", () => {
  const after = memoryAfter(typed("i32", [1, 2, 3, 4]), (writer) => {
    const x = v128.load(at(0));
    writer.push(
      v128.store(at(RESULT_AT), x, 16),
      v128.store32_lane(at(RESULT_AT), x, 2, 4),
      v128.store64_lane(at(RESULT_AT), x, 1, 40),
      v128.store16_lane(at(RESULT_AT), x, 6, 10),
    );
  });
  expect(Array.from({ length: 12 }, (_, i) => after.getInt32(RESULT_AT + 4 * i, true))).toEqual([
    0,
    3,
    4 << 16,
    0,
    1,
    2,
    3,
    4,
    0,
    0,
    3,
    4,
  ]);
});

test("products of four neighbours are added to a variable", () => {
  const memory = new Uint8Array(48);
  operands.i32.forEach((values, index) => {
    memory.set(typed("i32", values), 16 * index);
  });
  const view = valueOf(memory, (writer) => {
    const sum = writer.local("v128");
    writer.push(sum.set(v128.load(at(32))));
    const factors = v128.and(v128.load(at(16)), i32x4.splat(i32.const(0x7f7f7f7f)));
    return i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load(at(0)), factors, sum.get);
  });
  // Bytes: 5 · 3 - 1; -7 · 119 - 3 · 127; -1 · 1 + 255; 4.
  expect(read(view, "i32", 4)).toEqual([14, -1214, 254, 4]);
});

test("products of two neighbours, each sum in 16 bits", () => {
  const memory = new Uint8Array(48);
  operands.i32.forEach((values, index) => {
    memory.set(typed("i32", values), 16 * index);
  });
  const view = valueOf(memory, () => {
    const factors = v128.and(v128.load(at(16)), i32x4.splat(i32.const(0x7f7f7f7f)));
    return i16x8.relaxed_dot_i8x16_i7x16_s(v128.load(at(0)), factors);
  });
  // Bytes: 5 · 3; -7 · 119 - 127, -127 twice; -1 · 1.
  expect(read(view, "i32", 4)).toEqual([15, (-254 << 16) | (-960 & 0xffff), 0xffff, 0]);
});
