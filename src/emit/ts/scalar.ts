import type { ScalarArgument, ScalarName, ScalarProgram } from "../../ops/scalar.ts";
import { hasTrait } from "../../ops/table.ts";
import { invariant } from "../../support/invariant.ts";
import type { HelperName } from "./helpers/table.ts";
import { bare, numberText } from "../module/text.ts";

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
  /** Lines before the loop over the elements. */
  readonly before: readonly string[];
  /** Lines for each element. */
  readonly lines: readonly string[];
  readonly result: string;
  readonly helpers: ReadonlySet<HelperName>;
}

/** What a program reads, as expressions without side effects. */
export interface ScalarInputs {
  readonly texts: readonly string[];
  /** The inputs that are the same for all elements; their expressions are names. */
  readonly lone?: ReadonlySet<number>;
  /** What the names of the lines end with, so that those of several programs differ. */
  readonly suffix?: string;
}

/** Longest expression that is written into the one that reads it; a longer one gets a name. */
const MAX_INLINE = 48;

/**
 * The program over its inputs. What is read more than once gets a name, so that nothing is computed or loaded twice; what is
 * the same for all elements is computed before them, and so is what they divide by: a division takes five times as
 * long as a product. A program without steps is its first input.
 */
export function scalarText(
  program: ScalarProgram,
  { texts, lone = new Set(), suffix = "" }: ScalarInputs,
): ScalarText {
  const [before, lines]: [string[], string[]] = [[], []];
  const helpers = new Set<HelperName>();
  const reads = countReads(program);
  const values = texts.map((text, index) => {
    if (lone.has(index) || (reads.get(`input ${index}`) ?? 0) <= 1) return text;
    lines.push(`const input${index}${suffix} = ${text};`);
    return `input${index}${suffix}`;
  });
  const inverses = new Map<number, string>();
  const inverse = (index: number): string => {
    const known = inverses.get(index);
    if (known !== undefined) return known;
    const name = `per${index}${suffix}`;
    before.push(`const ${name} = 1 / ${values[index]!};`);
    inverses.set(index, name);
    return name;
  };
  // 49 · (1 / 49) is not 1: no matter to a sum, but to a floor.
  const jumps = program.steps.some(({ op }) => hasTrait(op, "jumps"));
  const steps: string[] = [];
  const still = new Set<number>();
  const isStill = (arg: ScalarArgument): boolean =>
    arg.kind === "number" || (arg.kind === "input" ? lone.has(arg.index) : still.has(arg.index));
  const read = (arg: ScalarArgument): string => {
    if (arg.kind === "number") return numberText(arg.value);
    const text = arg.kind === "input" ? values[arg.index] : steps[arg.index];
    invariant(text !== undefined, `a scalar program reads ${arg.kind} ${arg.index}, which does not exist`);
    return text;
  };
  program.steps.forEach(({ op, args }, index) => {
    const { write, helper: needed } = notations[op];
    if (needed !== undefined) helpers.add(needed);
    const [first, second] = args;
    const divides =
      !jumps && op === "div" && second?.kind === "input" && lone.has(second.index) && !isStill(first!);
    const text = divides
      ? notations.mul.write(read(first!), inverse(second.index))
      : write(...args.map(read));
    const isLast = index === program.steps.length - 1;
    if (!isLast && args.every(isStill)) {
      still.add(index);
      before.push(`const t${index}${suffix} = ${bare(text)};`);
      steps.push(`t${index}${suffix}`);
    } else if (isLast || ((reads.get(`step ${index}`) ?? 0) <= 1 && text.length <= MAX_INLINE))
      steps.push(text);
    else {
      lines.push(`const t${index}${suffix} = ${bare(text)};`);
      steps.push(`t${index}${suffix}`);
    }
  });
  return { before, lines, result: bare(steps.at(-1) ?? values[0]!), helpers };
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
