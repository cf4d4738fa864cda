import { largest } from "../../../support/lists.ts";
import { heldAs } from "../../../checkpoint/onnx/held.ts";
import type { Value } from "../../../ir/graph.ts";
import type { ScalarName } from "../../../ops/scalar.ts";
import { isFloat } from "../../../tensor/dtype.ts";
import { NoForm } from "../graph.ts";
import { floatOf, intOf, textOf } from "../model.ts";
import { isSizes, isStored, type Site } from "../site.ts";
import { dtypeOf } from "../tensors.ts";
import { rankOf, type Convert } from "./form.ts";

type Unary =
  | "neg"
  | "abs"
  | "exp"
  | "log"
  | "sqrt"
  | "sin"
  | "cos"
  | "tanh"
  | "sigmoid"
  | "erf"
  | "relu"
  | "floor"
  | "softplus"
  | "not";
type Binary = Extract<
  ScalarName,
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "pow"
  | "min"
  | "max"
  | "mod"
  | "eq"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or"
>;

const unary =
  (op: Unary): Convert =>
  (site) =>
    site.emit(op, { x: site.value(0) }, {});

/** An operand: a single number beside a tensor is a number, which takes its type. */
export function operand(site: Site, index: number, rank: number): Value {
  const meaning = site.meaning(index);
  const isKnown = isSizes(meaning) || isStored(meaning);
  const number = isKnown ? site.scalar(index) : undefined;
  const own = isSizes(meaning) ? (meaning.isScalar ? 0 : 1) : isStored(meaning) ? meaning.shape.length : 0;
  if (number === undefined || own > rank) return site.value(index);
  const value = site.value(index);
  const isLearned = !site.nodes.some(({ results }) => results[0] === value);
  return isLearned ? value : site.number(number, value.type.dtype);
}

const ranks = (site: Site): readonly number[] =>
  site.node.inputs.map((_, index) => {
    const meaning = site.meaning(index);
    if (isSizes(meaning)) return meaning.isScalar ? 0 : 1;
    return isStored(meaning) ? meaning.shape.length : rankOf(meaning);
  });

const operands = (site: Site): readonly Value[] => {
  const all = ranks(site);
  return all.map((_, index) => operand(site, index, largest(all.toSpliced(index, 1, 0))));
};

const pair = (site: Site, op: Binary, x: Value, y: Value): Value => site.emit(op, { x, y }, {});

const binary =
  (op: Binary): Convert =>
  (site) => {
    const [x, y] = operands(site);
    if (op === "div" && !isFloat(x!.type.dtype)) throw new NoForm("whole numbers");
    return pair(site, op, x!, y!);
  };

/** Of any number of values, one after the other. */
const folded =
  (op: Binary): Convert =>
  (site) =>
    operands(site).reduce((x, y) => pair(site, op, x, y));

const cast: Convert = (site) => {
  const x = site.value(0);
  const to = heldAs(dtypeOf(intOf(site.node, "to", 0), "a cast"));
  if (to === x.type.dtype) return x;
  return castTo(site, x, to);
};

/** Whole numbers of floats are rounded toward zero, as lmg rounds; anything but 0 is true. */
export const castTo = (site: Site, x: Value, to: "f32" | "i32" | "bool"): Value =>
  site.emit("cast", { x }, { dtype: to });

const clip: Convert = (site) => {
  const low = site.node.attributes.get("min")?.float ?? (site.has(1) ? site.scalar(1) : -Infinity);
  const high = site.node.attributes.get("max")?.float ?? (site.has(2) ? site.scalar(2) : Infinity);
  if (low === undefined || high === undefined) throw new NoForm("bounds that are computed");
  let x = site.value(0);
  if (low !== -Infinity) x = pair(site, "max", x, site.number(low, x.type.dtype));
  return high === Infinity ? x : pair(site, "min", x, site.number(high, x.type.dtype));
};

const where: Convert = (site) => {
  const all = ranks(site);
  const rank = largest(all);
  const [condition, x, y] = [site.value(0), operand(site, 1, rank), operand(site, 2, rank)];
  return site.emit("where", { condition, x, y }, {});
};

export const elementwiseOps: Readonly<Record<string, Convert>> = {
  Abs: unary("abs"),
  Add: binary("add"),
  And: binary("and"),
  Cast: cast,
  CastLike: (site) => {
    const [x, like] = [site.value(0), heldAs(site.value(1).type.dtype)];
    return x.type.dtype === like ? x : castTo(site, x, like);
  },
  Clip: clip,
  Cos: unary("cos"),
  Div: binary("div"),
  Equal: binary("eq"),
  Erf: unary("erf"),
  Exp: unary("exp"),
  Floor: unary("floor"),
  Gelu: (site) => {
    const approximate = textOf(site.node, "approximate", "none");
    return site.emit(approximate === "tanh" ? "gelu_tanh" : "gelu", { x: site.value(0) }, {});
  },
  Greater: binary("gt"),
  GreaterOrEqual: binary("ge"),
  Identity: (site) => site.meaning(0),
  IsNaN: (site) => {
    const x = site.value(0);
    return site.emit("ne", { x, y: x }, {});
  },
  LeakyRelu: (site) => {
    const x = site.value(0);
    const slope = floatOf(site.node, "alpha", 0.01);
    const condition = pair(site, "lt", x, site.number(0));
    return site.emit("where", { condition, x: pair(site, "mul", x, site.number(slope)), y: x }, {});
  },
  Less: binary("lt"),
  LessOrEqual: binary("le"),
  Log: unary("log"),
  Max: folded("max"),
  Min: folded("min"),
  Mod: (site) => {
    const [x, y] = operands(site);
    if (intOf(site.node, "fmod", 0) !== 0) throw new NoForm("`fmod`, whose sign is that of the dividend");
    return pair(site, "mod", x!, y!);
  },
  Mul: binary("mul"),
  Neg: unary("neg"),
  Not: unary("not"),
  Or: binary("or"),
  Pow: binary("pow"),
  Reciprocal: (site) => pair(site, "div", site.number(1), site.value(0)),
  Relu: unary("relu"),
  Sigmoid: unary("sigmoid"),
  Sin: unary("sin"),
  Softplus: unary("softplus"),
  Sqrt: unary("sqrt"),
  Sub: binary("sub"),
  Sum: folded("add"),
  Swish: (site) => {
    const x = site.value(0);
    const alpha = floatOf(site.node, "alpha", 1);
    const scaled = alpha === 1 ? x : pair(site, "mul", x, site.number(alpha));
    return pair(site, "mul", x, site.emit("sigmoid", { x: scaled }, {}));
  },
  Tanh: unary("tanh"),
  Where: where,
};
