import {
  instruction,
  laneLoadOf,
  laneOf,
  laneStoreOf,
  loadOf,
  replaceLaneOf,
  storeOf,
  type Binary,
  type I32,
  type Unary,
  type V128,
} from "./code.ts";
import { bytesOfFloat } from "./numbers.ts";

/** An opcode after the prefix of vectors, as LEB128. */
const code = (op: number): readonly number[] => (op < 128 ? [0xfd, op] : [0xfd, (op & 127) | 128, op >> 7]);

const un =
  (op: number): Unary<"v128"> =>
  (x) =>
    instruction("v128", [x], code(op));
const bin =
  (op: number): Binary<"v128"> =>
  (x, y) =>
    instruction("v128", [x, y], code(op));
const tri = (op: number) => (x: V128, y: V128, z: V128) => instruction("v128", [x, y, z], code(op));
const test = (op: number) => (x: V128) => instruction("i32", [x], code(op));
const shift = (op: number) => (x: V128, by: I32) => instruction("v128", [x, by], code(op));
const splat =
  <T extends "i32" | "f32" | "f64">(_: T, op: number) =>
  (x: { readonly type: T } & Parameters<Unary<T>>[0]) =>
    instruction("v128", [x], code(op));

/** Four lanes of 32 bits from two vectors: 0 to 3 are those of the first, 4 to 7 of the second. */
const shuffle = (x: V128, y: V128, lanes: readonly [number, number, number, number]): V128 =>
  instruction("v128", [x, y], code(13), (to) => {
    for (const lane of lanes) to.bytes([4 * lane, 4 * lane + 1, 4 * lane + 2, 4 * lane + 3]);
  });

/** Pairs of bytes of x and of y in turn, from a byte of each on. */
const interleaved = (x: V128, y: V128, first: number): V128 =>
  instruction("v128", [x, y], code(13), (to) => {
    for (let at = first; at < first + 8; at += 2) to.bytes([at, at + 1, 16 + at, 17 + at]);
  });

export const v128 = {
  load: loadOf("v128", 2, ...code(0)),
  store: storeOf("v128", 2, ...code(11)),
  load32_splat: loadOf("v128", 2, ...code(9)),
  load64_splat: loadOf("v128", 3, ...code(10)),
  /** One lane; the others are 0. */
  load32_zero: loadOf("v128", 2, ...code(92)),
  load64_zero: loadOf("v128", 2, ...code(93)),
  load32_lane: laneLoadOf(2, ...code(86)),
  store32_lane: laneStoreOf(2, ...code(90)),
  store16_lane: laneStoreOf(1, ...code(89)),
  store64_lane: laneStoreOf(2, ...code(91)),
  /** Eight or four numbers of half a lane, each made a whole one. */
  load16x4_u: loadOf("v128", 3, ...code(4)),
  load16x4_s: loadOf("v128", 3, ...code(3)),
  /** Eight bytes, each made half a lane. */
  load8x8_s: loadOf("v128", 3, ...code(1)),
  const: (lanes: readonly [number, number, number, number]): V128 =>
    instruction("v128", [], code(12), (to) => {
      for (const lane of lanes) to.bytes(bytesOfFloat(lane));
    }),
  zero: instruction("v128", [], [...code(12), ...new Array<number>(16).fill(0)]),
  not: un(77),
  and: bin(78),
  /** x without the bits of y. */
  andnot: bin(79),
  or: bin(80),
  xor: bin(81),
  /** Bits of x where the mask is set, of y elsewhere. */
  bitselect: tri(82),
  any_true: test(83),
  shuffle,
} as const;

export const f32x4 = {
  splat: splat("f32", 19),
  extract_lane: laneOf("f32", ...code(31)),
  replace_lane: replaceLaneOf("f32", ...code(32)),
  eq: bin(65),
  ne: bin(66),
  lt: bin(67),
  gt: bin(68),
  le: bin(69),
  ge: bin(70),
  ceil: un(103),
  floor: un(104),
  trunc: un(105),
  nearest: un(106),
  abs: un(224),
  neg: un(225),
  sqrt: un(227),
  add: bin(228),
  sub: bin(229),
  mul: bin(230),
  div: bin(231),
  /** NaN if either is. */
  min: bin(232),
  max: bin(233),
  /** y < x ? y : x, so that a NaN of x stays. */
  pmin: bin(234),
  /** x < y ? y : x, so that a NaN of x stays. */
  pmax: bin(235),
  convert_i32x4_s: un(250),
  convert_i32x4_u: un(251),
  demote_f64x2_zero: un(94),
  /** x · y + z, rounded once or twice as the machine likes (relaxed SIMD). */
  relaxed_madd: tri(0x105),
  relaxed_nmadd: tri(0x106),
} as const;

export const f64x2 = {
  splat: splat("f64", 20),
  extract_lane: laneOf("f64", ...code(33)),
  replace_lane: replaceLaneOf("f64", ...code(34)),
  eq: bin(71),
  ne: bin(72),
  lt: bin(73),
  gt: bin(74),
  le: bin(75),
  ge: bin(76),
  ceil: un(116),
  floor: un(117),
  trunc: un(122),
  nearest: un(148),
  abs: un(236),
  neg: un(237),
  sqrt: un(239),
  add: bin(240),
  sub: bin(241),
  mul: bin(242),
  div: bin(243),
  pmin: bin(246),
  pmax: bin(247),
  promote_low_f32x4: un(95),
  convert_low_i32x4_s: un(254),
  convert_low_i32x4_u: un(255),
  /** x · y + z, rounded once or twice as the machine likes (relaxed SIMD). */
  relaxed_madd: tri(0x107),
  relaxed_nmadd: tri(0x108),
} as const;

/** Sixteen lanes of 8 bits. */
export const i8x16 = {
  /** Eight lanes of 16 bits of each, held to 8 bits with a sign. */
  narrow_i16x8_s: bin(101),
  add: bin(110),
  /** Bytes of one vector, in another order. */
  permute: (x: V128, bytes: readonly number[]): V128 =>
    instruction("v128", [x, x], code(13), (to) => {
      to.bytes(bytes);
    }),
} as const;

/** Eight lanes of 16 bits. */
export const i16x8 = {
  add: bin(142),
  /**
   * Products of sixteen numbers of 8 bits with sixteen of 7 bits without a sign, each two neighbours added (relaxed SIMD). All machines
   * give the same where that does not go beyond 16 bits.
   */
  relaxed_dot_i8x16_i7x16_s: bin(0x112),
  neg: un(129),
  max_s: bin(152),
  gt_s: bin(49),
  shl: shift(139),
  shr_s: shift(140),
  shr_u: shift(141),
  /** Four lanes of each, held to 16 bits with a sign. */
  narrow_i32x4_s: bin(133),
  /** The same, held to 0 to 65535. */
  narrow_i32x4_u: bin(134),
  extend_low_i8x16_s: un(135),
  /** A lane of x, then one of y, in turn: of their first halves, and of their last. */
  unpack_low: (x: V128, y: V128): V128 => interleaved(x, y, 0),
  unpack_high: (x: V128, y: V128): V128 => interleaved(x, y, 8),
} as const;

/** Two lanes of 64 bits: the bits of float64. */
export const i64x2 = {
  shl: shift(203),
  shr_u: shift(205),
} as const;

export const i32x4 = {
  splat: splat("i32", 17),
  extract_lane: laneOf("i32", ...code(27)),
  replace_lane: replaceLaneOf("i32", ...code(28)),
  eq: bin(55),
  ne: bin(56),
  lt_s: bin(57),
  lt_u: bin(58),
  gt_s: bin(59),
  gt_u: bin(60),
  le_s: bin(61),
  le_u: bin(62),
  ge_s: bin(63),
  ge_u: bin(64),
  abs: un(160),
  neg: un(161),
  all_true: test(163),
  bitmask: test(164),
  shl: shift(171),
  shr_s: shift(172),
  shr_u: shift(173),
  add: bin(174),
  sub: bin(177),
  mul: bin(181),
  min_s: bin(182),
  max_s: bin(184),
  min_u: bin(183),
  max_u: bin(185),
  trunc_sat_f32x4_s: un(248),
  trunc_sat_f32x4_u: un(249),
  /** Two lanes of whole numbers; the others are 0. */
  trunc_sat_f64x2_s_zero: un(252),
  trunc_sat_f64x2_u_zero: un(253),
  /** Products of eight numbers of 16 bits, each two neighbours added. */
  dot_i16x8_s: bin(186),
  /**
   * Products of sixteen numbers of 8 bits with sixteen of 7 bits without a sign, each four neighbours added to a lane of z (relaxed
   * SIMD). All machines give the same where no two products that are neighbours go beyond 16 bits. V8 11's baseline code loses a z
   * whose register it needs: modules ask for that (`relaxedProbe`).
   */
  relaxed_dot_i8x16_i7x16_add_s: tri(0x113),
  extend_low_i16x8_s: un(167),
  extend_high_i16x8_s: un(168),
} as const;
