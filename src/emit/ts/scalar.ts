import {
  arithmetic,
  atom,
  calling,
  comparing,
  logical,
  negated,
  operandText,
  ranks,
  type Written,
} from "../loops/expression.ts";
import type { Operation } from "../loops/tree.ts";
import type { HelperName } from "./helpers/table.ts";
import { numberText } from "../module/text.ts";

/** How TypeScript writes a function; `truth` where it asks or tells what is true, which numbers say by 0 and 1. */
export interface Notation {
  readonly write: (args: readonly Written[]) => Written;
  readonly helper?: HelperName;
  /** The result is a condition: a number of it is 1 or 0. */
  readonly isTruth?: boolean;
  /** How many of the arguments, from the first, are conditions. */
  readonly truths?: number;
}

const infix = (operator: "+" | "-" | "*" | "/"): Notation => ({
  write: (args) => arithmetic(operator, args),
});
const comparison = (operator: string): Notation => ({
  write: ([x, y]) => comparing(operator, x!, y!),
  isTruth: true,
});
const connective = (operator: "&&" | "||"): Notation => ({
  write: (args) => logical(operator, args),
  isTruth: true,
  truths: 2,
});
const builtin = (name: string): Notation => ({ write: (args) => calling(`Math.${name}`, args) });
const helper = (name: HelperName): Notation => ({ write: (args) => calling(name, args), helper: name });

export const choice = (condition: Written, yes: Written, no: Written): Written => ({
  text: `${operandText(condition, ranks.or)} ? ${operandText(yes, ranks.or)} : ${operandText(no, ranks.or)}`,
  rank: ranks.choice,
});

export const written = (value: number): Written =>
  value < 0 || Object.is(value, -0) ? negated(atom(numberText(-value))) : atom(numberText(value));

export const notations: { readonly [N in Operation]: Notation } = {
  neg: { write: ([x]) => negated(x!) },
  abs: builtin("abs"),
  exp: helper("exp"),
  log: builtin("log"),
  sqrt: builtin("sqrt"),
  rsqrt: { write: (args) => arithmetic("/", [written(1), calling("Math.sqrt", args)]) },
  sin: builtin("sin"),
  cos: builtin("cos"),
  tanh: builtin("tanh"),
  sigmoid: helper("sigmoid"),
  erf: helper("erf"),
  relu: helper("relu"),
  relu2: helper("relu2"),
  gelu: helper("gelu"),
  gelu_tanh: helper("gelu_tanh"),
  silu: helper("silu"),
  softplus: helper("softplus"),
  square: helper("square"),
  floor: builtin("floor"),
  not: { write: ([x]) => atom(`!${operandText(x!, ranks.atom)}`), isTruth: true, truths: 1 },
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/"),
  mod: helper("mod"),
  pow: builtin("pow"),
  min: builtin("min"),
  max: builtin("max"),
  eq: comparison("==="),
  ne: comparison("!=="),
  lt: comparison("<"),
  le: comparison("<="),
  gt: comparison(">"),
  ge: comparison(">="),
  and: connective("&&"),
  or: connective("||"),
  where: { write: ([condition, yes, no]) => choice(condition!, yes!, no!), truths: 1 },
  relative_power: helper("exp"),
  truncate: builtin("trunc"),
  threefry: helper("threefry"),
};
