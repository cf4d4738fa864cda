import type { Value } from "../../ir/graph.ts";
import type { ScalarName } from "../../ops/scalar.ts";
import type { Backward } from "../backward.ts";
import type { NoGradient, Vjp, VjpRule } from "../vjp.ts";

type UnaryOp = "neg" | "exp" | "relu";
type BinaryOp = "add" | "sub";

/** g · f'(x), by g, x and f(x). */
const unary =
  (derive: (b: Backward, g: Value, x: Value, out: Value) => Value): Vjp<UnaryOp> =>
  ({ operands: { x }, results: [out] }, [g], b) => ({ x: derive(b, g!, x, out!) });

type Derivative = (b: Backward, g: Value, x: Value, y: Value, out: Value) => Value;

/** g · ∂f/∂x and g · ∂f/∂y, summed over the axes along which x and y were stretched. */
const binary =
  (byX: Derivative, byY: Derivative): Vjp<BinaryOp> =>
  ({ operands: { x, y }, results: [out] }, [g], b) => ({
    x: b.wants(x) ? b.undoBroadcast(byX(b, g!, x, y, out!), x.type.shape) : undefined,
    y: b.wants(y) ? b.undoBroadcast(byY(b, g!, x, y, out!), y.type.shape) : undefined,
  });

const flat: NoGradient = { none: "it is constant but where it jumps" };
const truth: NoGradient = { none: "its result is true or false" };

/** d/dx x Φ(x) = Φ(x) + x φ(x). */
function geluSlope(b: Backward, x: Value): Value {
  const cdf = b.mul(b.add(b.unary("erf", b.mul(x, Math.SQRT1_2)), 1), 0.5);
  const density = b.mul(b.unary("exp", b.mul(b.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return b.add(cdf, b.mul(x, density));
}

/** With u = √(2/π) (x + c x³), t = tanh u: (1 + t) / 2 + x / 2 · (1 - t²) · √(2/π) (1 + 3 c x²). */
function geluTanhSlope(b: Backward, x: Value): Value {
  const [root, cubic] = [Math.sqrt(2 / Math.PI), 0.044715];
  const square = b.square(x);
  const t = b.unary("tanh", b.mul(b.mul(x, root), b.add(b.mul(square, cubic), 1)));
  const inner = b.mul(b.add(b.mul(square, 3 * cubic), 1), root / 2);
  return b.add(b.mul(b.add(t, 1), 0.5), b.mul(b.mul(x, b.sub(1, b.square(t))), inner));
}

/** With s = sigmoid(x): s (1 + x (1 - s)). */
function siluSlope(b: Backward, x: Value): Value {
  const s = b.unary("sigmoid", x);
  return b.mul(s, b.add(b.mul(x, b.sub(1, s)), 1));
}

/** The whole gradient to the one that was chosen, half to each of equals, as PyTorch has it. */
const chosen =
  (better: "gt" | "lt", of: "x" | "y"): Derivative =>
  (b, g, x, y) => {
    const [own, other] = of === "x" ? [x, y] : [y, x];
    const tie = b.where(b.binary("eq", own, other), b.mul(g, 0.5), 0);
    return b.where(b.binary(better, own, other), g, tie);
  };

/** g · y · x^(y - 1); zero for y = 0, where x^(y - 1) may be infinite. */
const powByBase: Derivative = (b, g, x, y) => {
  const slope = b.mul(y, b.binary("pow", x, b.sub(y, 1)));
  return b.mul(g, b.where(b.binary("eq", y, 0), 0, slope));
};

/** g · x^y · log x; zero at x = 0, where the logarithm is infinite. */
const powByExponent: Derivative = (b, g, x, _, out) =>
  b.mul(g, b.where(b.binary("eq", x, 0), 0, b.mul(out, b.unary("log", x))));

const rules = {
  neg: unary((b, g) => b.unary("neg", g)),
  abs: unary((b, g, x) =>
    b.where(b.binary("gt", x, 0), g, b.where(b.binary("lt", x, 0), b.unary("neg", g), 0)),
  ),
  exp: unary((b, g, _, out) => b.mul(g, out)),
  log: unary((b, g, x) => b.div(g, x)),
  sqrt: unary((b, g, _, out) => b.div(b.mul(g, 0.5), out)),
  rsqrt: unary((b, g, x, out) => b.div(b.mul(b.mul(g, -0.5), out), x)),
  sin: unary((b, g, x) => b.mul(g, b.unary("cos", x))),
  cos: unary((b, g, x) => b.unary("neg", b.mul(g, b.unary("sin", x)))),
  tanh: unary((b, g, _, out) => b.mul(g, b.sub(1, b.square(out)))),
  sigmoid: unary((b, g, _, out) => b.mul(g, b.mul(out, b.sub(1, out)))),
  erf: unary((b, g, x) =>
    b.mul(g, b.mul(b.unary("exp", b.unary("neg", b.square(x))), 2 / Math.sqrt(Math.PI))),
  ),
  relu: unary((b, g, x) => b.where(b.binary("gt", x, 0), g, 0)),
  relu2: unary((b, g, x) => b.mul(g, b.mul(b.unary("relu", x), 2))),
  gelu: unary((b, g, x) => b.mul(g, geluSlope(b, x))),
  gelu_tanh: unary((b, g, x) => b.mul(g, geluTanhSlope(b, x))),
  silu: unary((b, g, x) => b.mul(g, siluSlope(b, x))),
  softplus: unary((b, g, x) => b.mul(g, b.unary("sigmoid", x))),
  square: unary((b, g, x) => b.mul(g, b.mul(x, 2))),
  floor: flat,
  not: truth,
  add: binary(
    (_, g) => g,
    (_, g) => g,
  ),
  sub: binary(
    (_, g) => g,
    (b, g) => b.unary("neg", g),
  ),
  mul: binary(
    (b, g, _, y) => b.mul(g, y),
    (b, g, x) => b.mul(g, x),
  ),
  div: binary(
    (b, g, _, y) => b.div(g, y),
    (b, g, _, y, out) => b.unary("neg", b.div(b.mul(g, out), y)),
  ),
  mod: binary(
    (_, g) => g,
    (b, g, x, y) => b.unary("neg", b.mul(g, b.unary("floor", b.div(x, y)))),
  ),
  pow: binary(powByBase, powByExponent),
  min: binary(chosen("lt", "x"), chosen("lt", "y")),
  max: binary(chosen("gt", "x"), chosen("gt", "y")),
  eq: truth,
  ne: truth,
  lt: truth,
  le: truth,
  gt: truth,
  ge: truth,
  and: truth,
  or: truth,
  where: (({ operands: { condition, x, y } }, [g], b) => ({
    x: b.wants(x) ? b.undoBroadcast(b.where(condition, g!, 0), x.type.shape) : undefined,
    y: b.wants(y) ? b.undoBroadcast(b.where(condition, 0, g!), y.type.shape) : undefined,
  })) satisfies Vjp<"where">,
};

/** Derivatives of the scalar functions, written in them: they fuse into chains like any others. */
export const elementwiseRules = rules as unknown as { readonly [K in ScalarName]: VjpRule<K> };
/** `rules` names every scalar function. */
rules satisfies Readonly<Record<ScalarName, unknown>>;
