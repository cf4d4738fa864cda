import type { Statement, V128 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import { append } from "../../../support/lists.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, f64x2, i32x4, v128 } from "../assembler/simd.ts";
import { multiplyAdd } from "../machine.ts";
import { demoted, doublesInStep, lowWords, promoted, type Doubles } from "./doubles.ts";
import { inStep, kept, keptInStep, polynomial, type Body, type Wide } from "./wide.ts";

/** An angle as quarters of a turn, a whole number as the last bits of a word, and what is left, at most π/4 in size; in variables. */
interface Reduced {
  readonly quarters: Wide;
  readonly rest: Wide;
}

/** Rounds a float64 to a whole number as it is added: the first of its size with room on both sides. */
const ROUNDING = 1.5 * 2 ** 52;

/** π/2 in two parts: the first has 33 bits (FreeBSD's e_rem_pio2.c), so that its product with 20 bits is exact. */
const HALF_PI = [1.57079632673412561417, 6.07710050650619224932e-11] as const;

/** Angles below are reduced by a product: they are less than 2^20 quarters. */
const NEAR = 2 ** 20;

/** Angles of less than 2^20 in size; beyond they lose bits. */
function reduced(angle: Doubles, body: Body): Reduced {
  const { constants } = body;
  const double = (value: number): V128 => constants.splatDouble(value);
  const sum = doublesInStep(
    body,
    (a) => f64x2.add(f64x2.mul(a, double(2 / Math.PI)), double(ROUNDING)),
    angle,
  );
  const n = doublesInStep(body, (s) => f64x2.sub(s, double(ROUNDING)), sum);
  const first = doublesInStep(body, (a, m) => f64x2.sub(a, f64x2.mul(m, double(HALF_PI[0]))), angle, n);
  const rest = doublesInStep(body, (a, m) => f64x2.sub(a, f64x2.mul(m, double(HALF_PI[1]))), first, n);
  return { quarters: kept(lowWords(sum, body), body), rest: kept(demoted(rest, body), body) };
}

/** 2/π, 24 bits a piece, as whole numbers (FreeBSD's k_rem_pio2.c): enough for 2^128, and for 80 bits of what is left. */
const TWO_OVER_PI = [
  0xa2f983, 0x6e4e44, 0x1529fc, 0x2757d1, 0xf534dd, 0xc0db62, 0x95993c, 0x439041, 0xfe5163, 0xabdebb,
] as const;
const PIECE_BITS = 24;

/**
 * Angles of any size, as x · 2/π a piece after the other: each product is exact, and whole turns of it are nothing. What is left after
 * each is at most half a quarter, so that what is added last is added to what it is like in size.
 */
function reducedFar(angle: Doubles, body: Body): Reduced {
  const { constants, writer, push } = body;
  const double = (value: number): V128 => constants.splatDouble(value);
  const pieces = Float64Array.from(TWO_OVER_PI, (piece, k) => piece * 2 ** (-PIECE_BITS * (k + 1)));
  const table = constants.address(new Uint8Array(pieces.buffer));
  const [piece, part] = [writer.local("v128"), writer.local("v128")];
  const sums = angle.low.concat(angle.high).map((x) => ({
    x,
    left: writer.local("v128"),
    quarters: writer.local("v128"),
  }));
  const wholeTurns = f64x2.mul(f64x2.nearest(f64x2.mul(part.get, double(0.25))), double(4));
  push(
    ...sums.flatMap(({ left, quarters }) => [left.set(v128.zero), quarters.set(v128.zero)]),
    writer.range(i32.const(0), i32.const(pieces.byteLength), pieces.BYTES_PER_ELEMENT, (at) => [
      piece.set(v128.load64_splat(at, table)),
      ...sums.flatMap(({ x, left, quarters }) => [
        part.set(f64x2.mul(x, piece.get)),
        left.set(f64x2.add(left.get, f64x2.sub(part.get, wholeTurns))),
        part.set(f64x2.nearest(left.get)),
        left.set(f64x2.sub(left.get, part.get)),
        quarters.set(f64x2.add(quarters.get, part.get)),
      ]),
    ]),
  );
  const all = (make: (sum: (typeof sums)[number]) => V128): Doubles => {
    const made = sums.map(make);
    return { low: made.slice(0, angle.low.length), high: made.slice(angle.low.length) };
  };
  return {
    quarters: lowWords(
      all(({ quarters }) => f64x2.add(quarters.get, double(ROUNDING))),
      body,
    ),
    rest: demoted(
      all(({ left }) => f64x2.mul(left.get, double(Math.PI / 2))),
      body,
    ),
  };
}

/** The size of a float of any size. */
function reducedFloat(x: Wide, body: Body): Reduced {
  const { constants, writer, push } = body;
  const size = keptInStep(body, f32x4.abs, x);
  const angle = promoted(size, body);
  const near = reduced(angle, body);
  const inVariables = (wide: Wide): readonly Local<"v128">[] => {
    const locals = writer.locals("v128", wide.length);
    push(...locals.map((local, index) => local.set(wide[index]!)));
    return locals;
  };
  const [quarters, rest] = [inVariables(near.quarters), inVariables(near.rest)];
  const statements: Statement[] = [];
  const far = reducedFar(angle, {
    ...body,
    push: (...more) => {
      append(statements, more);
    },
  });
  const isFar = size.map((v) => f32x4.ge(v, constants.splat(NEAR)));
  push(
    when(v128.any_true(isFar.reduce((x, y) => v128.or(x, y))), [
      ...statements,
      ...quarters.map((local, index) => local.set(far.quarters[index]!)),
      ...rest.map((local, index) => local.set(far.rest[index]!)),
    ]),
  );
  return { quarters: quarters.map(({ get }) => get), rest: rest.map(({ get }) => get) };
}

/** (sin(r) / r - 1) / z and (cos(r) - 1 + z/2) / z² for z = r², |r| ≤ π/4. */
const SINE = [-0.000195166547, 0.00833217334, -0.166666552] as const;
const COSINE = [0.0000244377297, -0.00138873619, 0.0416666456] as const;

/** Sine and cosine of what is left of an angle. */
function ofRest(rest: Wide, body: Body): { readonly sine: Wide; readonly cosine: Wide } {
  const { constants, machine } = body;
  const fused = (a: V128, b: V128, c: V128): V128 => multiplyAdd(machine, a, b, c);
  const z = keptInStep(body, (r) => f32x4.mul(r, r), rest);
  const s = polynomial(body, z, SINE);
  const cubed = inStep(body, f32x4.mul, rest, z);
  const sine = keptInStep(body, fused, s, cubed, rest);
  const c = polynomial(body, z, COSINE);
  const half = inStep(body, (v) => fused(v, constants.splat(-0.5), constants.splat(1)), z);
  const cosine = keptInStep(body, (p, v, h) => fused(p, f32x4.mul(v, v), h), c, z, half);
  return { sine, cosine };
}

/** The sine of an angle so many quarters on: of odd ones the cosine of the rest; the second bit is the sign. */
function ofQuarter(quarters: Wide, rest: ReturnType<typeof ofRest>, body: Body): Wide {
  const { constants } = body;
  const chosen = inStep(
    body,
    (q, s, c) => v128.bitselect(c, s, i32x4.neg(v128.and(q, constants.splatWord(1)))),
    quarters,
    rest.sine,
    rest.cosine,
  );
  return inStep(
    body,
    (q, y) => v128.xor(y, i32x4.shl(v128.and(q, constants.splatWord(2)), i32.const(30))),
    quarters,
    chosen,
  );
}

/** As quarters of the cosine, which is the sine of one more. */
const oneMore = (quarters: Wide, body: Body): Wide =>
  keptInStep(body, (q) => i32x4.add(q, body.constants.splatWord(1)), quarters);

/** The sine: that of the size, with the sign of x. x is in variables. */
export function sin(x: Wide, body: Body): Wide {
  const { quarters, rest } = reducedFloat(x, body);
  const y = ofQuarter(quarters, ofRest(rest, body), body);
  return inStep(body, (v, s) => v128.xor(v, v128.and(s, body.constants.splat(-0))), y, x);
}

/** The cosine. x is in variables. */
export function cos(x: Wide, body: Body): Wide {
  const { quarters, rest } = reducedFloat(x, body);
  return ofQuarter(oneMore(quarters, body), ofRest(rest, body), body);
}

/** Sine and cosine of angles in float64 of less than 2^20, as rotary embeddings have them; beyond they lose bits. */
export function sinCosOfDoubles(angle: Doubles, body: Body): { readonly sine: Wide; readonly cosine: Wide } {
  const { quarters, rest } = reduced(angle, body);
  const both = ofRest(rest, body);
  return {
    sine: ofQuarter(quarters, both, body),
    cosine: ofQuarter(oneMore(quarters, body), both, body),
  };
}
