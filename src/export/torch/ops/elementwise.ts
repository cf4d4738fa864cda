import type { NodeOf, Value } from "../../../ir/graph.ts";
import type { ScalarName } from "../../../ops/scalar.ts";
import { atom, numberExpression, sum, type Expression } from "../python.ts";
import type { Site, TorchTable } from "../site.ts";

/** What functions of one and of two numbers have in common. */
type Unary = Pick<NodeOf<"tanh">, "operands">;
type Binary = Pick<NodeOf<"add">, "operands">;

/** `x.tanh()` */
const method =
  (name: string) =>
  ({ operands }: Unary, site: Site): Expression =>
    atom(`${site.atom(operands.x)}.${name}()`);

/** `F.silu(x)` */
const functional =
  (name: string, more = "") =>
  ({ operands }: Unary, site: Site): Expression =>
    atom(`F.${name}(${site.read(operands.x)}${more})`);

/** An operand of an operator: a number stands as one where the other side is a tensor. */
function sides({ x, y }: Binary["operands"], site: Site): readonly [string, string] {
  const [first, second] = [site.numberOf(x), site.numberOf(y)];
  const show = (value: Value, known: number | undefined, other: number | undefined): string =>
    known === undefined || other !== undefined ? site.atom(value) : numberText(known);
  return [show(x, first, undefined), show(y, second, first)];
}

const numberText = (value: number): string => {
  const { text, atom: isAtom } = numberExpression(value);
  return isAtom ? text : `(${text})`;
};

const operator =
  (symbol: string) =>
  ({ operands }: Binary, site: Site): Expression => {
    // Two numbers are no tensor.
    const bothKnown = site.numberOf(operands.x) !== undefined && site.numberOf(operands.y) !== undefined;
    const [x, y] = bothKnown ? [site.atom(operands.x), site.atom(operands.y)] : sides(operands, site);
    return sum(`${x} ${symbol} ${y}`);
  };

/** A number beside itself: its own text would say nothing of NaN, for which people write it. */
const comparison =
  (symbol: string, beside: (x: string) => Expression) =>
  (node: Binary, site: Site): Expression =>
    node.operands.x === node.operands.y ? beside(site.atom(node.operands.x)) : operator(symbol)(node, site);

const isNumber = (x: string): Expression => atom(`${x}.isnan().logical_not()`);
const isNone = (x: string): Expression => atom(`torch.zeros_like(${x}, dtype=torch.bool)`);

/** The smaller or larger of two; beside a number a bound. */
const bounded =
  (name: "minimum" | "maximum", bound: "max" | "min") =>
  ({ operands: { x, y } }: Binary, site: Site): Expression => {
    const [first, second] = [site.numberOf(x), site.numberOf(y)];
    if (second !== undefined && first === undefined)
      return atom(`${site.atom(x)}.clamp(${bound}=${numberExpression(second).text})`);
    if (first !== undefined && second === undefined)
      return atom(`${site.atom(y)}.clamp(${bound}=${numberExpression(first).text})`);
    return atom(`torch.${name}(${site.read(x)}, ${site.read(y)})`);
  };

const choice = ({ operands: { condition, x, y } }: NodeOf<"where">, site: Site): Expression => {
  const [first, second] = [site.numberOf(x), site.numberOf(y)];
  const show = (value: Value, known: number | undefined, other: number | undefined): string =>
    known === undefined || other !== undefined ? site.read(value) : numberExpression(known).text;
  return atom(
    `torch.where(${site.read(condition)}, ${show(x, first, undefined)}, ${show(y, second, first)})`,
  );
};

export const elementwise: Pick<TorchTable, ScalarName & keyof TorchTable> = {
  neg: ({ operands }, site) => sum(`-${site.atom(operands.x)}`),
  abs: method("abs"),
  exp: method("exp"),
  log: method("log"),
  sqrt: method("sqrt"),
  rsqrt: method("rsqrt"),
  sin: method("sin"),
  cos: method("cos"),
  tanh: method("tanh"),
  sigmoid: method("sigmoid"),
  erf: method("erf"),
  relu: functional("relu"),
  relu2: ({ operands }, site) => atom(`F.relu(${site.read(operands.x)}).square()`),
  gelu: functional("gelu"),
  gelu_tanh: functional("gelu", ', approximate="tanh"'),
  silu: functional("silu"),
  // Beyond 20 torch gives x itself, which differs by less than float32 rounds.
  softplus: functional("softplus"),
  square: method("square"),
  floor: method("floor"),
  not: ({ operands }, site) => atom(`${site.atom(operands.x)}.logical_not()`),
  add: operator("+"),
  sub: operator("-"),
  mul: operator("*"),
  div: operator("/"),
  mod: operator("%"),
  pow: operator("**"),
  min: bounded("minimum", "max"),
  max: bounded("maximum", "min"),
  eq: comparison("==", isNumber),
  ne: comparison("!=", (x) => atom(`${x}.isnan()`)),
  lt: comparison("<", isNone),
  le: comparison("<=", isNumber),
  gt: comparison(">", isNone),
  ge: comparison(">=", isNumber),
  and: operator("&"),
  or: operator("|"),
  where: choice,
};
