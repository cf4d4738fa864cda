import type { ScalarArgument, ScalarName, ScalarProgram } from "../../ops/scalar.ts";
import { invariant } from "../../support/invariant.ts";
import type { HelperName } from "./helpers/table.ts";
import { numberText } from "./text.ts";

type Writer = (...args: readonly string[]) => string;

interface Notation {
  readonly write: Writer;
  readonly helper?: HelperName;
}

const infix = (operator: string): Notation => ({ write: (x, y) => `(${x} ${operator} ${y})` });
const truth = (operator: string): Notation => ({ write: (x, y) => `(${x} ${operator} ${y} ? 1 : 0)` });
const builtin = (name: string): Notation => ({
  write: (...args) => `Math.${name}(${args.map(bare).join(", ")})`,
});
const helper = (name: HelperName): Notation => ({
  write: (...args) => `${name}(${args.map(bare).join(", ")})`,
  helper: name,
});

/** How TypeScript writes each scalar function. Results that need it are in parentheses. */
const notations: { readonly [N in ScalarName]: Notation } = {
  neg: { write: (x) => `(-${x})` },
  abs: builtin("abs"),
  exp: helper("exp"),
  log: builtin("log"),
  sqrt: builtin("sqrt"),
  rsqrt: { write: (x) => `(1 / Math.sqrt(${bare(x)}))` },
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
  not: { write: (x) => `(${x} === 0 ? 1 : 0)` },
  add: infix("+"),
  sub: infix("-"),
  mul: infix("*"),
  div: infix("/"),
  mod: helper("mod"),
  pow: builtin("pow"),
  min: builtin("min"),
  max: builtin("max"),
  eq: truth("==="),
  ne: truth("!=="),
  lt: truth("<"),
  le: truth("<="),
  gt: truth(">"),
  ge: truth(">="),
  and: { write: (x, y) => `(${x} !== 0 && ${y} !== 0 ? 1 : 0)` },
  or: { write: (x, y) => `(${x} !== 0 || ${y} !== 0 ? 1 : 0)` },
  where: { write: (condition, x, y) => `(${condition} !== 0 ? ${x} : ${y})` },
};

/** A program as lines that come first and the expression of its result. */
export interface ScalarText {
  readonly lines: readonly string[];
  readonly result: string;
  readonly helpers: ReadonlySet<HelperName>;
}

/** Longest expression that is written into the one that reads it; a longer one gets a name. */
const MAX_INLINE = 48;

/**
 * The program over `inputs`, given as expressions without side effects. What is read more than once gets a name, so
 * that nothing is computed or loaded twice. A program without steps is its first input.
 */
export function scalarText(program: ScalarProgram, inputs: readonly string[]): ScalarText {
  const lines: string[] = [];
  const helpers = new Set<HelperName>();
  const reads = countReads(program);
  const values = inputs.map((text, index) => {
    if ((reads.get(`input ${index}`) ?? 0) <= 1) return text;
    lines.push(`const i${index} = ${text};`);
    return `i${index}`;
  });
  const steps: string[] = [];
  const read = (arg: ScalarArgument): string => {
    if (arg.kind === "number") return numberText(arg.value);
    const text = arg.kind === "input" ? values[arg.index] : steps[arg.index];
    invariant(text !== undefined, `a scalar program reads ${arg.kind} ${arg.index}, which does not exist`);
    return text;
  };
  program.steps.forEach(({ op, args }, index) => {
    const { write, helper: needed } = notations[op];
    if (needed !== undefined) helpers.add(needed);
    const text = write(...args.map(read));
    const isLast = index === program.steps.length - 1;
    if (isLast || ((reads.get(`step ${index}`) ?? 0) <= 1 && text.length <= MAX_INLINE)) steps.push(text);
    else {
      lines.push(`const t${index} = ${bare(text)};`);
      steps.push(`t${index}`);
    }
  });
  return { lines, result: bare(steps.at(-1) ?? values[0]!), helpers };
}

function countReads(program: ScalarProgram): Map<string, number> {
  const reads = new Map<string, number>();
  for (const { args } of program.steps)
    for (const arg of args) {
      if (arg.kind === "number") continue;
      const key = `${arg.kind} ${arg.index}`;
      reads.set(key, (reads.get(key) ?? 0) + 1);
    }
  return reads;
}

/** Without the parentheses around the whole, where there are any. */
export function bare(text: string): string {
  if (!text.startsWith("(")) return text;
  let depth = 0;
  for (let at = 0; at < text.length - 1; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    if (depth === 0) return text;
  }
  return text.slice(1, -1);
}

/** What a kernel with this program may be called: its ops in a row, cut where the name gets long. */
export function programName(program: ScalarProgram): string {
  const words = program.steps.map(({ op }) => op);
  return words.length <= 4 ? words.join("_") : `${words.slice(0, 3).join("_")}_and_${words.length - 3}_more`;
}
