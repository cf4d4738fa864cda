import type { ScalarArgument, ScalarName, ScalarExpression } from "../../ops/scalar.ts";
import { invariant } from "../../support/invariant.ts";

/** How tightly operators bind, alike in TypeScript and WGSL. A sign may begin a product, but follow no operator. */
export const ranks = {
  choice: 0,
  or: 1,
  and: 2,
  comparison: 3,
  sum: 4,
  sign: 5,
  product: 6,
  atom: 7,
} as const;

export type Rank = (typeof ranks)[keyof typeof ranks];

/** An expression as text, and how tightly its outermost operator binds. */
export interface Written {
  readonly text: string;
  readonly rank: Rank;
}

export const atom = (text: string): Written => ({ text, rank: ranks.atom });

/** The text where something of at least that rank has to stand. */
export const operandText = ({ text, rank }: Written, least: Rank): string =>
  rank < least ? `(${text})` : text;

const sum = { rank: ranks.sum, left: ranks.sum, right: ranks.product };
const product = { rank: ranks.product, left: ranks.sign, right: ranks.atom };
const operators = { "+": sum, "-": sum, "*": product, "/": product } as const;

/** Operands in a row, from the left; what is not of that order stays in its parentheses, so that no bit changes. */
export const arithmetic = (
  operator: keyof typeof operators,
  [first, ...rest]: readonly Written[],
): Written => {
  const { rank, left, right } = operators[operator];
  const texts = [operandText(first!, left), ...rest.map((operand) => operandText(operand, right))];
  return { text: texts.join(` ${operator} `), rank };
};

export const comparing = (operator: string, x: Written, y: Written): Written => ({
  text: `${operandText(x, ranks.sum)} ${operator} ${operandText(y, ranks.sum)}`,
  rank: ranks.comparison,
});

/** `and` beside `or` stands in parentheses: WGSL asks for them, and readers are glad. */
export function logical(operator: "&&" | "||", operands: readonly Written[]): Written {
  const rank = operator === "&&" ? ranks.and : ranks.or;
  const texts = operands.map((each) => operandText(each, each.rank === rank ? rank : ranks.comparison));
  return { text: texts.join(` ${operator} `), rank };
}

export const negated = (x: Written): Written => ({
  text: `-${operandText(x, ranks.atom)}`,
  rank: ranks.sign,
});

export const calling = (name: string, args: readonly Written[]): Written =>
  atom(`${name}(${args.map(({ text }) => text).join(", ")})`);

/** What a scalar expression of the graph becomes: text of a language, or a tree. */
export interface Speller<V> {
  readonly number: (value: number) => V;
  readonly apply: (op: ScalarName, args: readonly V[]) => V;
  /** Gives a value a name, so that it stands in a line of its own. */
  readonly name: (name: string, value: V) => V;
  /** Whether a value is a name already. */
  readonly isName: (value: V) => boolean;
  /** How long it is in a line, in characters. */
  readonly length: (value: V) => number;
  /** How often the notation of an op names each argument: once, if it is not said. */
  readonly repeats?: (op: ScalarName) => number;
}

/** Longest expression that is written into the one that reads it; a longer one gets a name. */
const MAX_INLINE = 48;

/**
 * A scalar expression over its inputs. What is read more than once gets a name, so that nothing is computed or loaded twice; names end
 * with `suffix`. `known` are values of steps that stand already. One without steps is its first input.
 */
export function spell<V>(
  scalar: ScalarExpression,
  inputs: readonly V[],
  speller: Speller<V>,
  {
    suffix = "",
    known = new Map(),
  }: { readonly suffix?: string; readonly known?: ReadonlyMap<number, V> } = {},
): V {
  const reads = countReads(scalar, speller.repeats ?? (() => 1));
  const values = inputs.map((input, index) =>
    (reads.get(`input ${index}`) ?? 0) <= 1 || speller.isName(input)
      ? input
      : speller.name(`input${index}${suffix}`, input),
  );
  const steps: V[] = [];
  const read = (arg: ScalarArgument): V => {
    if (arg.kind === "number") return speller.number(arg.value);
    const value = arg.kind === "input" ? values[arg.index] : steps[arg.index];
    invariant(
      value !== undefined,
      `a scalar expression reads ${arg.kind} ${arg.index}, which does not exist`,
    );
    return value;
  };
  scalar.steps.forEach(({ op, args }, index) => {
    const value = known.get(index) ?? speller.apply(op, args.map(read));
    const isLast = index === scalar.steps.length - 1;
    const isShort = (reads.get(`step ${index}`) ?? 0) <= 1 && speller.length(value) <= MAX_INLINE;
    const stands = isLast || isShort || speller.isName(value);
    steps.push(stands ? value : speller.name(`t${index}${suffix}`, value));
  });
  return steps.at(-1) ?? values[0]!;
}

/** How often inputs and steps are read. */
function countReads(
  scalar: ScalarExpression,
  repeats: (op: ScalarName) => number,
): ReadonlyMap<string, number> {
  const reads = new Map<string, number>();
  for (const { op, args } of scalar.steps)
    for (const arg of args) {
      if (arg.kind === "number") continue;
      const key = `${arg.kind} ${arg.index}`;
      reads.set(key, (reads.get(key) ?? 0) + repeats(op));
    }
  return reads;
}
