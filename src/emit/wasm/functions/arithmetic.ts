import type { V128 } from "../assembler/code.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import type { Operation } from "../../loops/tree.ts";
import { multiplyAdd, subtractProduct } from "../machine.ts";
import { compared, heldByWholes, type Relation } from "./comparison.ts";
import { asFloats, asMasks, asNumber, floats, joined, truths, type Lanes } from "./lanes.ts";
import { kept, type Body, type Wide } from "./wide.ts";

/** Code of an operation on lanes. */
export type Apply = (args: readonly Lanes[], body: Body) => Lanes;

type Instruction = (...vectors: V128[]) => V128;

const each = (make: Instruction, [first, ...rest]: readonly Wide[]): Wide =>
  first!.map((vector, index) => make(vector, ...rest.map((wide) => wide[index]!)));

/** An instruction for floats and one for whole numbers. */
const byKind =
  (ofFloats: Instruction, ofWholes: Instruction, ofUnsigned = ofWholes): Apply =>
  (args, body) => {
    const { kind, values } = joined(args.map(asNumber), body);
    const make = kind === "float" ? ofFloats : kind === "unsigned" ? ofUnsigned : ofWholes;
    return { kind, vectors: each(make, values) };
  };

const comparison =
  (relation: Relation): Apply =>
  (args, body) =>
    compared(relation, args, body);

/** The smaller or larger of two: beside whole numbers one that no 32 bits hold is the nearest that they hold. */
const extreme =
  (ofFloats: Instruction, ofWholes: Instruction, ofUnsigned: Instruction): Apply =>
  (args, body) =>
    byKind(ofFloats, ofWholes, ofUnsigned)(heldByWholes(args.map(asNumber), body), body);

const connective =
  (make: Instruction): Apply =>
  (args, body) =>
    truths(
      each(
        make,
        args.map((arg) => asMasks(arg, body)),
      ),
    );

/** A function of floats that one instruction computes. */
const ofFloats =
  (make: Instruction): Apply =>
  (args, body) =>
    floats(
      each(
        make,
        args.map((arg) => asFloats(arg, body)),
      ),
    );

/** x · y, left for a sum to take in. */
const product: Apply = (args, body) => {
  const { kind, vectors } = byKind(f32x4.mul, i32x4.mul)(args, body);
  const { values } = joined(args, body);
  return kind === "float" ? { kind, vectors, factors: [values[0]!, values[1]!] } : { kind, vectors };
};

const sum: Apply = (args, body) => {
  const [x, y] = args as [Lanes, Lanes];
  const [taken, other] = x.factors !== undefined ? [x, y] : [y, x];
  if (taken.factors === undefined) return byKind(f32x4.add, i32x4.add)(args, body);
  const fused: Instruction = (a, b, c) => multiplyAdd(body.machine, a, b, c);
  return floats(each(fused, [...taken.factors, asFloats(other, body)]));
};

const difference: Apply = (args, body) => {
  const [x, y] = args as [Lanes, Lanes];
  if (y.factors === undefined) return byKind(f32x4.sub, i32x4.sub)(args, body);
  const fused: Instruction = (a, b, c) => subtractProduct(body.machine, a, b, c);
  return floats(each(fused, [...y.factors, asFloats(x, body)]));
};

const square: Apply = ([x], body) => {
  const { kind, values } = joined([asNumber(x!)], body);
  const once = kept(values[0]!, body);
  const multiply = kind === "float" ? f32x4.mul : i32x4.mul;
  return { kind, vectors: once.map((v) => multiply(v, v)) };
};

/** The larger of x and 0, where a NaN and -0 stay. */
const relu: Apply = ([x], body) => {
  const { kind, values } = joined([asNumber(x!)], body);
  const zero = body.constants.splat(0);
  return { kind, vectors: values[0]!.map((v) => (kind === "float" ? f32x4.pmax : i32x4.max_s)(v, zero)) };
};

const where: Apply = ([condition, ...values], body) => {
  const { kind, values: chosen } = joined(values, body);
  const [yes, no] = chosen;
  return {
    kind,
    vectors: each((m, y, n) => v128.bitselect(y, n, m), [asMasks(condition!, body), yes!, no!]),
  };
};

const floor: Apply = ([x], body) => {
  const { kind, values } = joined([asNumber(x!)], body);
  return { kind, vectors: kind === "float" ? values[0]!.map(f32x4.floor) : values[0]! };
};

/** What takes an instruction or two. */
export const arithmetic = {
  neg: byKind(f32x4.neg, i32x4.neg),
  abs: byKind(f32x4.abs, i32x4.abs),
  sqrt: ofFloats(f32x4.sqrt),
  square,
  relu,
  relu2: (args, body) => square([relu(args, body)], body),
  floor,
  not: ([x], body) => truths(asMasks(x!, body).map(v128.not)),
  add: sum,
  sub: difference,
  mul: product,
  div: ofFloats(f32x4.div),
  min: extreme(f32x4.min, i32x4.min_s, i32x4.min_u),
  max: extreme(f32x4.max, i32x4.max_s, i32x4.max_u),
  eq: comparison("eq"),
  ne: comparison("ne"),
  lt: comparison("lt"),
  le: comparison("le"),
  gt: comparison("gt"),
  ge: comparison("ge"),
  and: connective(v128.and),
  or: connective(v128.or),
  where,
} as const satisfies { readonly [N in Operation]?: Apply };
