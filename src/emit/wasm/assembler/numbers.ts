import {
  binary,
  instruction,
  loadOf,
  storeOf,
  unary,
  type Binary,
  type F32,
  type F64,
  type I32,
  type I64,
  type Unary,
} from "./code.ts";

/** The bytes of a float, the lowest first. */
export const bytesOfFloat = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);
const bytesOfDouble = (value: number): Uint8Array => new Uint8Array(Float64Array.of(value).buffer);

const constant = (value: number): I32 => ({
  ...instruction("i32", [], [0x41], (to) => {
    to.signed(value);
  }),
  known: value | 0,
});

/** Computed here where both numbers are known; `identity` on the right (or, if they commute, the left) changes nothing. */
const folding =
  (
    opcode: number,
    fold: (x: number, y: number) => number,
    { identity, commutes = false }: { readonly identity?: number; readonly commutes?: boolean } = {},
  ): Binary<"i32"> =>
  (x, y) => {
    if (x.known !== undefined && y.known !== undefined) return constant(fold(x.known, y.known));
    if (identity !== undefined && y.known === identity) return x;
    if (identity !== undefined && commutes && x.known === identity) return y;
    return instruction("i32", [x, y], [opcode]);
  };

const multiply = folding(0x6c, Math.imul, { identity: 1, commutes: true });

export const i32 = {
  const: constant,
  add: folding(0x6a, (x, y) => x + y, { identity: 0, commutes: true }),
  sub: folding(0x6b, (x, y) => x - y, { identity: 0 }),
  mul: ((x, y) => (x.known === 0 || y.known === 0 ? constant(0) : multiply(x, y))) as Binary<"i32">,
  div_s: binary("i32", "i32", 0x6d),
  div_u: folding(0x6e, (x, y) => Math.floor((x >>> 0) / (y >>> 0)), { identity: 1 }),
  rem_u: folding(0x70, (x, y) => (x >>> 0) % (y >>> 0)),
  and: folding(0x71, (x, y) => x & y),
  or: folding(0x72, (x, y) => x | y, { identity: 0, commutes: true }),
  xor: binary("i32", "i32", 0x73),
  shl: folding(0x74, (x, y) => x << y, { identity: 0 }),
  shr_s: folding(0x75, (x, y) => x >> y, { identity: 0 }),
  shr_u: folding(0x76, (x, y) => x >>> y, { identity: 0 }),
  rotl: binary("i32", "i32", 0x77),
  eqz: unary("i32", "i32", 0x45) as Unary<"i32">,
  eq: folding(0x46, (x, y) => Number(x === y)),
  ne: folding(0x47, (x, y) => Number(x !== y)),
  lt_s: folding(0x48, (x, y) => Number(x < y)),
  lt_u: folding(0x49, (x, y) => Number(x >>> 0 < y >>> 0)),
  gt_s: folding(0x4a, (x, y) => Number(x > y)),
  gt_u: folding(0x4b, (x, y) => Number(x >>> 0 > y >>> 0)),
  le_s: folding(0x4c, (x, y) => Number(x <= y)),
  le_u: folding(0x4d, (x, y) => Number(x >>> 0 <= y >>> 0)),
  ge_s: folding(0x4e, (x, y) => Number(x >= y)),
  ge_u: folding(0x4f, (x, y) => Number(x >>> 0 >= y >>> 0)),
  load: loadOf("i32", 2, 0x28),
  load8_u: loadOf("i32", 0, 0x2d),
  load16_u: loadOf("i32", 1, 0x2f),
  store: storeOf("i32", 2, 0x36),
  store8: storeOf("i32", 0, 0x3a),
  store16: storeOf("i32", 1, 0x3b),
  /** Truncated toward zero and held to the range; NaN becomes 0. */
  trunc_sat_f32_s: unary("f32", "i32", 0xfc, 0x00),
  trunc_sat_f64_s: unary("f64", "i32", 0xfc, 0x02),
  reinterpret_f32: unary("f32", "i32", 0xbc),
} as const;

export const i64 = {
  /** Whole numbers of 32 bits are enough for what is known. */
  const: (value: number): I64 =>
    instruction("i64", [], [0x42], (to) => {
      to.signed(value);
    }),
  add: binary("i64", "i64", 0x7c),
  mul: binary("i64", "i64", 0x7e),
  extend_i32_u: unary("i32", "i64", 0xad),
  extend_i32_s: unary("i32", "i64", 0xac),
} as const;

export const f32 = {
  const: (value: number): F32 =>
    instruction("f32", [], [0x43], (to) => {
      to.bytes(bytesOfFloat(value));
    }),
  abs: unary("f32", "f32", 0x8b),
  neg: unary("f32", "f32", 0x8c),
  ceil: unary("f32", "f32", 0x8d),
  floor: unary("f32", "f32", 0x8e),
  trunc: unary("f32", "f32", 0x8f),
  nearest: unary("f32", "f32", 0x90),
  sqrt: unary("f32", "f32", 0x91),
  add: binary("f32", "f32", 0x92),
  sub: binary("f32", "f32", 0x93),
  mul: binary("f32", "f32", 0x94),
  div: binary("f32", "f32", 0x95),
  min: binary("f32", "f32", 0x96),
  max: binary("f32", "f32", 0x97),
  copysign: binary("f32", "f32", 0x98),
  eq: binary("f32", "i32", 0x5b),
  ne: binary("f32", "i32", 0x5c),
  lt: binary("f32", "i32", 0x5d),
  gt: binary("f32", "i32", 0x5e),
  le: binary("f32", "i32", 0x5f),
  ge: binary("f32", "i32", 0x60),
  load: loadOf("f32", 2, 0x2a),
  store: storeOf("f32", 2, 0x38),
  convert_i32_s: unary("i32", "f32", 0xb2),
  convert_i32_u: unary("i32", "f32", 0xb3),
  demote_f64: unary("f64", "f32", 0xb6),
  reinterpret_i32: unary("i32", "f32", 0xbe),
} as const;

export const f64 = {
  const: (value: number): F64 =>
    instruction("f64", [], [0x44], (to) => {
      to.bytes(bytesOfDouble(value));
    }),
  abs: unary("f64", "f64", 0x99),
  neg: unary("f64", "f64", 0x9a),
  floor: unary("f64", "f64", 0x9c),
  trunc: unary("f64", "f64", 0x9d),
  nearest: unary("f64", "f64", 0x9e),
  sqrt: unary("f64", "f64", 0x9f),
  add: binary("f64", "f64", 0xa0),
  sub: binary("f64", "f64", 0xa1),
  mul: binary("f64", "f64", 0xa2),
  div: binary("f64", "f64", 0xa3),
  min: binary("f64", "f64", 0xa4),
  max: binary("f64", "f64", 0xa5),
  eq: binary("f64", "i32", 0x61),
  ne: binary("f64", "i32", 0x62),
  lt: binary("f64", "i32", 0x63),
  gt: binary("f64", "i32", 0x64),
  le: binary("f64", "i32", 0x65),
  ge: binary("f64", "i32", 0x66),
  load: loadOf("f64", 3, 0x2b),
  store: storeOf("f64", 3, 0x39),
  promote_f32: unary("f32", "f64", 0xbb),
  convert_i32_s: unary("i32", "f64", 0xb7),
  convert_i32_u: unary("i32", "f64", 0xb8),
} as const;
