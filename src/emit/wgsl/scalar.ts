import type { ScalarName, ScalarExpression } from "../../ops/scalar.ts";
import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import {
  arithmetic,
  atom,
  calling,
  comparing,
  logical,
  negated,
  operandText,
  ranks,
  spell,
  type Written,
} from "../loops/expression.ts";
import type { HelperName } from "./helpers.ts";
import { floatText, needsBits } from "./text.ts";

/** WGSL converts nothing by itself, so each expression is known to be an f32, an f16, an i32 or a bool. */
export type Kind = "float" | "half" | "int" | "truth";

/** A subexpression. `number` is set for a literal, which may be of either kind. */
export interface Typed extends Written {
  readonly kind: Kind;
  readonly number?: number;
  /** It is a name, so that it needs none. */
  readonly isName?: boolean;
  /** What its outermost function calls. */
  readonly uses?: readonly HelperName[];
}

export const kindOf = (dtype: Dtype): Kind => (isFloat(dtype) ? "float" : dtype === "bool" ? "truth" : "int");

const as = (kind: Kind, written: Written, ...uses: readonly HelperName[]): Typed => ({
  text: written.text,
  rank: written.rank,
  kind,
  uses,
});

/** A call or an access of that kind. */
export const typed = (text: string, kind: Kind): Typed => as(kind, atom(text));

export const named = (name: string, kind: Kind): Typed => ({ ...typed(name, kind), isName: true });

/** An element of a tensor of that dtype, loaded; bools are stored as the words 0 and 1. */
export const loaded = (dtype: Dtype, text: string): Typed =>
  dtype === "bool" ? as("truth", comparing("!=", atom(text), atom("0"))) : typed(text, kindOf(dtype));

const signed = (number: number, text: (size: number) => string): Written =>
  number < 0 || Object.is(number, -0) ? negated(atom(text(-number))) : atom(text(number));

export function toFloat(value: Typed): Written {
  const { kind, number } = value;
  if (number !== undefined) return needsBits(number) ? atom(floatText(number)) : signed(number, floatText);
  if (kind === "truth") return calling("select", [atom("0.0"), atom("1.0"), value]);
  return kind === "float" ? value : calling("f32", [value]);
}

function toInt(value: Typed): Written {
  const { kind, number } = value;
  if (number !== undefined) return signed(Math.trunc(number) + 0, String);
  if (kind === "truth") return calling("select", [atom("0"), atom("1"), value]);
  return kind === "int" ? value : calling("i32", [value]);
}

function toTruth(value: Typed): Written {
  const { kind, number } = value;
  if (number !== undefined) return atom(String(number !== 0));
  if (kind === "truth") return value;
  // NaN is true, which a device may not see by comparing.
  if (kind === "float") return comparing("!=", atom(`(bitcast<u32>(${value.text}) << 1u)`), atom("0u"));
  return comparing("!=", value, atom(kind === "half" ? "0.0h" : "0"));
}

/** The value as a tensor of that dtype stores it. */
export function stored(dtype: Dtype, value: Typed): string {
  if (isFloat(dtype)) return toFloat(value).text;
  return (dtype === "bool" ? toInt(as("truth", toTruth(value))) : toInt(value)).text;
}

type Writer = (args: readonly Typed[]) => Typed;

/** Whether half precision has a normal number near it. */
const fitsHalf = (number: number): boolean =>
  number === 0 || (Math.abs(number) >= 2 ** -14 && Math.abs(number) <= 65504);

/** Halves and literals that are near halves. */
const areHalves = (args: readonly Typed[]): boolean =>
  args.some(({ kind, number }) => kind === "half" && number === undefined) &&
  args.every(({ kind, number }) => (number === undefined ? kind === "half" : fitsHalf(number)));

const toHalf = (value: Typed): Written =>
  value.number === undefined ? value : signed(value.number, (size) => `${floatText(size)}h`);

interface Joined<K extends Kind> {
  readonly kind: K;
  readonly values: readonly Written[];
}

/** The kind that numbers have together: halves stay halves, a float among others makes all floats. */
const joinedAsTheyAre = (args: readonly Typed[]): Joined<"float" | "half" | "int"> =>
  areHalves(args) ? { kind: "half", values: args.map(toHalf) } : joined(args);

/**
 * As above, with halves as floats: what would lose more than its last bit in half precision. A number that i32 does not
 * have is a float.
 */
function joined(args: readonly Typed[]): Joined<"float" | "int"> {
  const isFloatKind = ({ kind, number }: Typed): boolean =>
    number === undefined ? kind === "float" || kind === "half" : number !== (number | 0);
  const allNumbers = args.every(({ number }) => number !== undefined);
  const kind = allNumbers || args.some(isFloatKind) ? "float" : "int";
  return { kind, values: args.map(kind === "float" ? toFloat : toInt) };
}

const infix =
  (
    operator: "+" | "-" | "*" | "/",
    join: (args: readonly Typed[]) => Joined<Kind> = joinedAsTheyAre,
  ): Writer =>
  (args) => {
    const { kind, values } = join(args);
    return as(kind, arithmetic(operator, values));
  };

/** NaN is not equal to anything, nor before or after it; a device may take it that there is none, so that is asked. */
const comparison =
  (operator: string): Writer =>
  (args) => {
    const { kind, values } = joinedAsTheyAre(args);
    const compared = comparing(operator, values[0]!, values[1]!);
    if (kind !== "float") return as("truth", compared);
    const mayBeNan = values.filter((_, index) => args[index]!.kind === "float" && !isNumber(args[index]!));
    const asked = [...new Set(mayBeNan.map(({ text }) => text))].map((text) => `is_nan(${text})`);
    const whole =
      operator === "!="
        ? logical("||", [compared, ...asked.map(atom)])
        : logical("&&", [compared, ...asked.map((each) => atom(`!${each}`))]);
    return asked.length === 0 ? as("truth", compared) : as("truth", whole, "is_nan");
  };
const isNumber = ({ number }: Typed): boolean => number !== undefined && !Number.isNaN(number);

/** Of floats NaN if one of them is; whole numbers and halves have WGSL's own. */
const extreme =
  (ofFloats: HelperName, own: string): Writer =>
  (args) => {
    const { kind, values } = joinedAsTheyAre(args);
    return kind === "float" ? as(kind, calling(ofFloats, values), ofFloats) : as(kind, calling(own, values));
  };
const connective =
  (operator: "&&" | "||"): Writer =>
  (args) =>
    as("truth", logical(operator, args.map(toTruth)));
const call =
  (name: string): Writer =>
  (args) => {
    const { kind, values } = joinedAsTheyAre(args);
    return as(kind, calling(name, values));
  };
const floatCall =
  (name: string, ...uses: readonly HelperName[]): Writer =>
  (args) =>
    as("float", calling(name, args.map(toFloat)), ...uses);
const helper = (name: HelperName): Writer => floatCall(name, name);

/** A helper for floats and one for whole numbers. */
const byKind =
  (ofFloats: HelperName, ofInts: HelperName): Writer =>
  (args) => {
    const { kind, values } = joined(args);
    const name = kind === "int" ? ofInts : ofFloats;
    return as(kind, calling(name, values), name);
  };

const once =
  (write: (x: Written, kind: "float" | "int") => Typed): Writer =>
  (args) => {
    const { kind, values } = joined(args);
    return write(values[0]!, kind);
  };

const select = (kind: Kind, condition: Typed, [yes, no]: readonly Written[]): Typed =>
  // A value that compares is in parentheses: `f(a < b, c > d)` could be a template.
  as(
    kind,
    atom(
      `select(${operandText(no!, ranks.sum)}, ${operandText(yes!, ranks.sum)}, ${toTruth(condition).text})`,
    ),
  );

/** How WGSL writes each scalar function. A notation that names an argument twice is given a name or a literal. */
const notations: { readonly [N in ScalarName]: Writer } = {
  neg: (args) => {
    const { kind, values } = joinedAsTheyAre(args);
    return as(kind, negated(values[0]!));
  },
  abs: call("abs"),
  exp: helper("safe_exp"),
  log: helper("safe_log"),
  sqrt: floatCall("sqrt"),
  rsqrt: floatCall("inverseSqrt"),
  sin: helper("safe_sin"),
  cos: helper("safe_cos"),
  tanh: helper("safe_tanh"),
  sigmoid: helper("sigmoid"),
  erf: helper("erf"),
  relu: once((x, kind) =>
    kind === "int" ? as(kind, calling("max", [x, atom("0")])) : as(kind, calling("relu", [x]), "relu"),
  ),
  relu2: (args) => {
    const x = calling("relu", args.map(toFloat));
    return as("float", arithmetic("*", [x, x]), "relu");
  },
  gelu: helper("gelu"),
  gelu_tanh: helper("gelu_tanh"),
  silu: helper("silu"),
  softplus: helper("softplus"),
  square: once((x, kind) => as(kind, arithmetic("*", [x, x]))),
  floor: once((x, kind) => as(kind, kind === "int" ? x : calling("floor", [x]))),
  not: ([x]) => as("truth", atom(`!${operandText(toTruth(x!), ranks.atom)}`)),
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/", joined),
  mod: byKind("modulo", "modulo_i32"),
  pow: byKind("power", "power_i32"),
  min: extreme("smaller", "min"),
  max: extreme("larger", "max"),
  eq: comparison("=="),
  ne: comparison("!="),
  lt: comparison("<"),
  le: comparison("<="),
  gt: comparison(">"),
  ge: comparison(">="),
  and: connective("&&"),
  or: connective("||"),
  where: ([condition, ...values]) => {
    if (values.every(({ kind, number }) => kind === "truth" && number === undefined))
      return select("truth", condition!, values.map(toTruth));
    const { kind, values: chosen } = joinedAsTheyAre(values);
    return select(kind, condition!, chosen);
  },
};

/** Ops whose notation names an argument twice. */
const repeats: ReadonlySet<ScalarName> = new Set<ScalarName>([
  "square",
  "relu2",
  "eq",
  "ne",
  "lt",
  "le",
  "gt",
  "ge",
]);

/** A program as lines that come first and the expression of its result. */
export interface ScalarText {
  readonly lines: readonly string[];
  readonly result: Typed;
  readonly helpers: ReadonlySet<HelperName>;
}

/** The program over `inputs`, given as expressions without side effects; names of its lines end with `suffix`. */
export function scalarText(program: ScalarExpression, inputs: readonly Typed[], suffix = ""): ScalarText {
  const lines: string[] = [];
  const helpers = new Set<HelperName>();
  const result = spell<Typed>(
    program,
    inputs,
    {
      number: (value) => {
        if (needsBits(value)) helpers.add("from_bits");
        return { ...typed(String(value), "float"), number: value };
      },
      apply: (op, args) => {
        const value = notations[op](args);
        for (const name of value.uses ?? []) helpers.add(name);
        return value;
      },
      name: (name, { text, kind }) => {
        lines.push(`let ${name} = ${text};`);
        return named(name, kind);
      },
      isName: ({ isName }) => isName === true,
      length: ({ text }) => text.length,
      repeats: (op) => (repeats.has(op) ? 2 : 1),
    },
    { suffix },
  );
  return { lines, result, helpers };
}
