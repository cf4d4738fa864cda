import type { Trait } from "./traits.ts";

/** Functions of numbers: the one table behind elementwise ops, fused chains and epilogues on every target. */
export interface ScalarFunction {
  readonly arity: 1 | 2 | 3;
  readonly doc: string;
  readonly evaluate: (...args: number[]) => number;
  /** Floating-point operations an element, as roofline counts usually weigh them. */
  readonly flops: number;
  /** `bool`: the result is true or false whatever the operands are; `same`: it has the operands' type. */
  readonly result: "same" | "bool";
  /** What the values have to be: `floats` where results are not whole numbers; a bool is no number by itself. */
  readonly takes: "numbers" | "floats" | "bools" | "any";
  readonly traits: readonly ScalarTrait[];
}

export type ScalarTrait = Extract<Trait, "commutative" | "jumps">;

type Unary = ScalarFunction & { readonly arity: 1 };
type Binary = ScalarFunction & { readonly arity: 2 };
type More = Partial<Pick<ScalarFunction, "flops" | "takes" | "traits">>;

const unary = (doc: string, evaluate: (x: number) => number, more: More = {}): Unary => ({
  arity: 1,
  doc,
  evaluate,
  flops: 1,
  result: "same",
  takes: "numbers",
  traits: [],
  ...more,
});

/** One whose results are not whole numbers. */
const smooth = (doc: string, evaluate: (x: number) => number, flops: number): Unary =>
  unary(doc, evaluate, { flops, takes: "floats" });

const binary = (doc: string, evaluate: (x: number, y: number) => number, more: More = {}): Binary => ({
  arity: 2,
  doc,
  evaluate,
  flops: 1,
  result: "same",
  takes: "numbers",
  traits: [],
  ...more,
});

const comparison = (doc: string, evaluate: (x: number, y: number) => boolean, more: More = {}): Binary => ({
  ...binary(doc, (x, y) => asNumber(evaluate(x, y)), { traits: ["jumps"], ...more }),
  result: "bool",
});

const equality = { takes: "any", traits: ["commutative", "jumps"] } as const;
const ofBools = { takes: "bools", traits: ["commutative"] } as const;

const asNumber = (truth: boolean): number => (truth ? 1 : 0);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** The remainder that has the sign of y, exactly: a quotient would be rounded before its floor is taken. */
function modulo(x: number, y: number): number {
  const rest = (x % y) + 0;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

/** The error function to about 1e-16 by its series for small and its continued fraction for large arguments. */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (size > 6) return Math.sign(x);
  return Math.sign(x) * (size < 2.5 ? erfSeries(size) : 1 - erfcFraction(size));
}

/** 1 - erf(x), as right where it is small. */
export const erfc = (x: number): number => (x > 2.5 ? (x > 40 ? 0 : erfcFraction(x)) : 1 - erf(x));

/** erf(x) = 2/√π · Σ (-1)ⁿ x²ⁿ⁺¹ / (n! (2n+1)) in the all-positive form 2/√π e^(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) = e^(-x²)/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), evaluated from the inside. */
function erfcFraction(x: number): number {
  let rest = x;
  for (let n = 60; n >= 1; n--) rest = x + n / 2 / rest;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / rest;
}

export const scalarFunctions = {
  neg: unary("-x", (x) => -x),
  abs: unary("|x|", Math.abs),
  exp: smooth("e^x", Math.exp, 4),
  log: smooth("natural logarithm of x", Math.log, 4),
  sqrt: smooth("√x", Math.sqrt, 2),
  rsqrt: smooth("1 / √x", (x) => 1 / Math.sqrt(x), 2),
  sin: smooth("sine of x in radians", Math.sin, 4),
  cos: smooth("cosine of x in radians", Math.cos, 4),
  tanh: smooth("hyperbolic tangent of x", Math.tanh, 6),
  sigmoid: smooth("1 / (1 + e^-x)", sigmoid, 6),
  erf: smooth("error function of x", erf, 8),
  relu: unary("max(x, 0)", (x) => (x < 0 ? 0 : x)),
  relu2: unary("max(x, 0)², as Primer (So et al. 2021) has it", (x) => (x < 0 ? 0 : x * x), { flops: 2 }),
  gelu: smooth("x · Φ(x) (Hendrycks and Gimpel 2016)", (x) => 0.5 * x * erfc(-x / Math.SQRT2), 10),
  gelu_tanh: smooth(
    "x · Φ(x) with Φ by tanh: 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))",
    // 1 + tanh(u) = 2 sigmoid(2u), which does not cancel where it is small.
    (x) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)),
    12,
  ),
  silu: smooth("x · sigmoid(x)", (x) => (x === -Infinity ? -0 : x * sigmoid(x)), 7),
  softplus: smooth("log(1 + e^x)", (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), 6),
  square: unary("x²", (x) => x * x),
  floor: unary("largest whole number that is not above x", Math.floor, { traits: ["jumps"] }),
  not: { ...unary("true where x is false", (x) => asNumber(x === 0), { takes: "bools" }), result: "bool" },
  add: binary("x + y", (x, y) => x + y, { traits: ["commutative"] }),
  sub: binary("x - y", (x, y) => x - y),
  mul: binary("x · y", (x, y) => x * y, { traits: ["commutative"] }),
  div: binary("x / y", (x, y) => x / y, { takes: "floats" }),
  mod: binary("x - y · floor(x / y)", modulo, { flops: 3, traits: ["jumps"] }),
  pow: binary("x to the power y", (x, y) => x ** y, { flops: 8 }),
  min: binary("the smaller of x and y", Math.min),
  max: binary("the larger of x and y", Math.max),
  eq: comparison("x = y", (x, y) => x === y, equality),
  ne: comparison("x ≠ y", (x, y) => x !== y, equality),
  lt: comparison("x < y", (x, y) => x < y),
  le: comparison("x ≤ y", (x, y) => x <= y),
  gt: comparison("x > y", (x, y) => x > y),
  ge: comparison("x ≥ y", (x, y) => x >= y),
  and: comparison("x and y", (x, y) => x !== 0 && y !== 0, ofBools),
  or: comparison("x or y", (x, y) => x !== 0 || y !== 0, ofBools),
  where: {
    arity: 3,
    doc: "y where the condition x is true, else z",
    evaluate: (x: number, y: number, z: number) => (x !== 0 ? y : z),
    flops: 1,
    result: "same",
    takes: "any",
    traits: [],
  },
} as const satisfies { readonly [name: string]: ScalarFunction };

export type ScalarName = keyof typeof scalarFunctions;

export const isScalarName = (name: string): name is ScalarName => Object.hasOwn(scalarFunctions, name);

/** What a step of a scalar expression reads. */
export type ScalarArgument =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "step"; readonly index: number }
  | { readonly kind: "number"; readonly value: number };

/**
 * An expression over numbers, a step at a time, run once an element: step k may read the inputs and the steps before it, the
 * last step is the result. In IR text: `add(i0, i1); tanh(t0); mul(t1, 0.5)`.
 */
export interface ScalarExpression {
  readonly steps: readonly { readonly op: ScalarName; readonly args: readonly ScalarArgument[] }[];
}
