import type { ScalarArgument, ScalarName, ScalarProgram } from "../../ops/scalar.ts";
import { invariant } from "../../support/invariant.ts";
import { isFloat, type Dtype } from "../../tensor/dtype.ts";
import { bare } from "../module/text.ts";
import type { HelperName } from "./helpers.ts";
import { floatText, needsBits } from "./text.ts";

/** WGSL converts nothing by itself, so each expression is known to be an f32, an f16, an i32 or a bool. */
export type Kind = "float" | "half" | "int" | "truth";

/** A subexpression; one with operators is in parentheses. `number` is set for a literal, which may be of either kind. */
export interface Typed {
  readonly text: string;
  readonly kind: Kind;
  readonly number?: number;
}

export const kindOf = (dtype: Dtype): Kind => (isFloat(dtype) ? "float" : dtype === "bool" ? "truth" : "int");

/** An element of a tensor of that dtype, loaded; bools are stored as the words 0 and 1. */
export const loaded = (dtype: Dtype, text: string): Typed =>
  dtype === "bool" ? { text: `(${text} != 0)`, kind: "truth" } : { text, kind: kindOf(dtype) };

export function toFloat({ text, kind, number }: Typed): string {
  if (number !== undefined) return floatText(number);
  if (kind === "truth") return `select(0.0, 1.0, ${bare(text)})`;
  return kind === "float" ? text : `f32(${bare(text)})`;
}

function toInt({ text, kind, number }: Typed): string {
  if (number !== undefined) return number < 0 ? `(${Math.trunc(number)})` : String(Math.trunc(number));
  if (kind === "truth") return `select(0, 1, ${bare(text)})`;
  return kind === "int" ? text : `i32(${bare(text)})`;
}

function toTruth({ text, kind, number }: Typed): string {
  if (number !== undefined) return String(number !== 0);
  if (kind === "truth") return text;
  // NaN is true, which a device may not see by comparing.
  if (kind === "float") return `((bitcast<u32>(${bare(text)}) << 1u) != 0u)`;
  return `(${text} != ${kind === "half" ? "0.0h" : "0"})`;
}

/** The value as a tensor of that dtype stores it. */
export const stored = (dtype: Dtype, value: Typed): string =>
  bare(isFloat(dtype) ? toFloat(value) : dtype === "bool" ? toInt({ ...truthOf(value) }) : toInt(value));

const truthOf = (value: Typed): Typed => ({ text: toTruth(value), kind: "truth" });

type Writer = (args: readonly Typed[]) => Typed;

interface Notation {
  readonly write: Writer;
  readonly helpers?: readonly HelperName[];
}

/** Whether half precision has a normal number near it. */
const fitsHalf = (number: number): boolean =>
  number === 0 || (Math.abs(number) >= 2 ** -14 && Math.abs(number) <= 65504);

/** Halves and literals that are near halves. */
const areHalves = (args: readonly Typed[]): boolean =>
  args.some(({ kind, number }) => kind === "half" && number === undefined) &&
  args.every(({ kind, number }) => (number === undefined ? kind === "half" : fitsHalf(number)));

const toHalf = ({ text, number }: Typed): string =>
  number === undefined ? text : floatText(number).replace(/(?=\)?$)/, "h");

interface Joined<K extends Kind> {
  readonly kind: K;
  readonly texts: readonly string[];
}

/** The kind that numbers have together: halves stay halves, a float among others makes all floats. */
const joinedAsTheyAre = (args: readonly Typed[]): Joined<"float" | "half" | "int"> =>
  areHalves(args) ? { kind: "half", texts: args.map(toHalf) } : joined(args);

/**
 * As above, with halves as floats: what would lose more than its last bit in half precision. A number that i32 does not
 * have is a float.
 */
function joined(args: readonly Typed[]): Joined<"float" | "int"> {
  const isFloatKind = ({ kind, number }: Typed): boolean =>
    number === undefined ? kind === "float" || kind === "half" : number !== (number | 0);
  const allNumbers = args.every(({ number }) => number !== undefined);
  const kind = allNumbers || args.some(isFloatKind) ? "float" : "int";
  return { kind, texts: args.map(kind === "float" ? toFloat : toInt) };
}

const infix = (
  operator: string,
  join: (args: readonly Typed[]) => Joined<Kind> = joinedAsTheyAre,
): Notation => ({
  write: (args) => {
    const { kind, texts } = join(args);
    return { text: `(${texts.join(` ${operator} `)})`, kind };
  },
});
/** NaN is not equal to anything, nor before or after it; a device may take it that there is none, so that is asked. */
const comparison = (operator: string): Notation => ({
  write: (args) => {
    const { kind, texts } = joinedAsTheyAre(args);
    const compared = texts.join(` ${operator} `);
    if (kind !== "float") return { text: `(${compared})`, kind: "truth" };
    const mayBeNan = texts.filter((_, index) => args[index]!.kind === "float" && !isNumber(args[index]!));
    const asked = [...new Set(mayBeNan)].map((text) => `is_nan(${bare(text)})`);
    const text =
      operator === "!="
        ? [compared, ...asked].join(" || ")
        : [compared, ...asked.map((each) => `!${each}`)].join(" && ");
    return { text: `(${text})`, kind: "truth" };
  },
  helpers: ["is_nan"],
});
const isNumber = ({ number }: Typed): boolean => number !== undefined && !Number.isNaN(number);

/** Of floats NaN if one of them is; whole numbers and halves have WGSL's own. */
const extreme = (ofFloats: HelperName, own: string): Notation => ({
  write: (args) => {
    const { kind, texts } = joinedAsTheyAre(args);
    return { text: `${kind === "float" ? ofFloats : own}(${texts.map(bare).join(", ")})`, kind };
  },
  helpers: [ofFloats],
});
const logical = (operator: string): Notation => ({
  write: (args) => ({ text: `(${args.map(toTruth).join(` ${operator} `)})`, kind: "truth" }),
});
const call = (name: string): Notation => ({
  write: (args) => {
    const { kind, texts } = joinedAsTheyAre(args);
    return { text: `${name}(${texts.map(bare).join(", ")})`, kind };
  },
});
const floatCall = (name: string, ...used: readonly HelperName[]): Notation => ({
  write: (args) => ({ text: `${name}(${args.map(toFloat).map(bare).join(", ")})`, kind: "float" }),
  helpers: used,
});
const helper = (name: HelperName): Notation => floatCall(name, name);

/** A helper for floats and one for whole numbers. */
const byKind = (ofFloats: HelperName, ofInts: HelperName): Notation => ({
  write: (args) => {
    const { kind, texts } = joined(args);
    return { text: `${kind === "int" ? ofInts : ofFloats}(${texts.map(bare).join(", ")})`, kind };
  },
  helpers: [ofFloats, ofInts],
});

const once =
  (write: (x: string, kind: "float" | "int") => string): Writer =>
  (args) => {
    const { kind, texts } = joined(args);
    return { text: write(texts[0]!, kind), kind };
  };

/** How WGSL writes each scalar function. A notation that names an argument twice is given a name or a literal. */
const notations: { readonly [N in ScalarName]: Notation } = {
  neg: {
    write: (args) => {
      const { kind, texts } = joinedAsTheyAre(args);
      return { text: `(-${texts[0]!})`, kind };
    },
  },
  abs: call("abs"),
  exp: floatCall("safe_exp", "safe_exp"),
  log: floatCall("safe_log", "safe_log"),
  sqrt: floatCall("sqrt"),
  rsqrt: floatCall("inverseSqrt"),
  sin: floatCall("safe_sin", "safe_sin"),
  cos: floatCall("safe_cos", "safe_cos"),
  tanh: floatCall("safe_tanh", "safe_tanh"),
  sigmoid: helper("sigmoid"),
  erf: helper("erf"),
  relu: {
    write: once((x, kind) => (kind === "int" ? `max(${bare(x)}, 0)` : `relu(${bare(x)})`)),
    helpers: ["relu"],
  },
  relu2: {
    write: (args) => ({ text: `(${squareOf(`relu(${bare(toFloat(args[0]!))})`)})`, kind: "float" }),
    helpers: ["relu"],
  },
  gelu: helper("gelu"),
  gelu_tanh: helper("gelu_tanh"),
  silu: helper("silu"),
  softplus: helper("softplus"),
  square: { write: once((x) => `(${squareOf(x)})`) },
  floor: { write: once((x, kind) => (kind === "int" ? x : `floor(${bare(x)})`)) },
  not: { write: (args) => ({ text: `(!${toTruth(args[0]!)})`, kind: "truth" }) },
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
  and: logical("&&"),
  or: logical("||"),
  where: {
    write: ([condition, ...values]) => {
      if (values.every(({ kind, number }) => kind === "truth" && number === undefined)) {
        const [x, y] = values.map(toTruth);
        return { text: `select(${bare(y!)}, ${bare(x!)}, ${bare(toTruth(condition!))})`, kind: "truth" };
      }
      const { kind, texts } = joinedAsTheyAre(values);
      return { text: `select(${bare(texts[1]!)}, ${bare(texts[0]!)}, ${bare(toTruth(condition!))})`, kind };
    },
  },
};

const squareOf = (x: string): string => `${x} * ${x}`;

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

/** Longest expression that is written into the one that reads it; a longer one gets a name. */
const MAX_INLINE = 48;

/**
 * The program over `inputs`, given as expressions without side effects. What is read more than once gets a name, so
 * that nothing is computed or loaded twice; names end with `suffix`. A program without steps is its first input.
 */
export function scalarText(program: ScalarProgram, inputs: readonly Typed[], suffix = ""): ScalarText {
  const lines: string[] = [];
  const used = new Set<HelperName>();
  const reads = countReads(program);
  const named = (name: string, { text, kind }: Typed): Typed => {
    lines.push(`let ${name} = ${bare(text)};`);
    return { text: name, kind };
  };
  const values = inputs.map((input, index) =>
    (reads.get(`input ${index}`) ?? 0) <= 1 ? input : named(`input${index}${suffix}`, input),
  );
  const steps: Typed[] = [];
  const read = (arg: ScalarArgument): Typed => {
    if (arg.kind === "number") {
      if (needsBits(arg.value)) used.add("from_bits");
      return { text: String(arg.value), kind: "float", number: arg.value };
    }
    const value = arg.kind === "input" ? values[arg.index] : steps[arg.index];
    invariant(value !== undefined, `a scalar program reads ${arg.kind} ${arg.index}, which does not exist`);
    return value;
  };
  program.steps.forEach(({ op, args }, index) => {
    const { write, helpers } = notations[op];
    const value = write(args.map(read));
    for (const name of helpers ?? []) if (value.text.includes(`${name}(`)) used.add(name);
    const isLast = index === program.steps.length - 1;
    const isShort = (reads.get(`step ${index}`) ?? 0) <= 1 && value.text.length <= MAX_INLINE;
    steps.push(isLast || isShort ? value : named(`t${index}${suffix}`, value));
  });
  return { lines, result: steps.at(-1) ?? values[0]!, helpers: used };
}

function countReads(program: ScalarProgram): Map<string, number> {
  const reads = new Map<string, number>();
  for (const { op, args } of program.steps)
    for (const arg of args) {
      if (arg.kind === "number") continue;
      const key = `${arg.kind} ${arg.index}`;
      reads.set(key, (reads.get(key) ?? 0) + (repeats.has(op) ? 2 : 1));
    }
  return reads;
}
