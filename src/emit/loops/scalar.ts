import type { ScalarArgument, ScalarExpression } from "../../ops/scalar.ts";
import { hasTrait } from "../../ops/table.ts";
import type { KernelBuilder } from "./builder.ts";
import { spell, type Speller } from "./expression.ts";
import { apply, number, over, times } from "./formula.ts";
import { partsOf, type Expression, type Name } from "./tree.ts";

/**
 * A scalar expression of the graph, in two parts: what is the same for all elements stands where this is called, before the loop over
 * them, and so does the inverse of what they divide by, as a division takes five times as long as a product. The function
 * that it returns makes the expression of an element of its inputs, in the loop. `still` are the inputs that
 * are the same for all elements.
 */
export function scalarOf(
  k: KernelBuilder,
  scalar: ScalarExpression,
  still: ReadonlyMap<number, Name> = new Map(),
  suffix = "",
): (inputs: readonly Expression[]) => Expression {
  const known = new Map<number, Expression>();
  const inverses = new Map<Expression, Expression>();
  // 49 · (1 / 49) is not 1: no matter to a sum, but to a floor.
  const jumps = scalar.steps.some(({ op }) => hasTrait(op, "jumps"));
  const stillValue = (arg: ScalarArgument): Expression | undefined =>
    arg.kind === "number"
      ? number(arg.value)
      : arg.kind === "input"
        ? still.get(arg.index)
        : known.get(arg.index);
  scalar.steps.forEach(({ op, args }, index) => {
    const values = args.map(stillValue);
    const isLast = index === scalar.steps.length - 1;
    if (!isLast && values.every((value) => value !== undefined))
      known.set(index, k.let(`t${index}${suffix}`, apply(op, ...values)));
    const [first, second] = args;
    const by = second?.kind === "input" ? still.get(second.index) : undefined;
    if (jumps || op !== "div" || by === undefined || stillValue(first!) !== undefined) return;
    if (!inverses.has(by))
      inverses.set(by, k.let(`per${(second as { index: number }).index}${suffix}`, over(1, by)));
  });
  const isStill = (value: Expression): boolean =>
    value.kind === "number" || [...still.values(), ...known.values()].includes(value);
  const speller: Speller<Expression> = {
    number,
    apply: (op, args) => {
      const inverse = op === "div" && !isStill(args[0]!) ? inverses.get(args[1]!) : undefined;
      return inverse === undefined ? apply(op, ...args) : times(args[0]!, inverse);
    },
    name: (name, value) => k.let(name, value),
    isName: ({ kind }) => kind === "name",
    length: lengthOf,
  };
  return (inputs) => spell(scalar, inputs, speller, { suffix, known });
}

/** About how many characters an expression has in a line. */
function lengthOf(expression: Expression): number {
  switch (expression.kind) {
    case "number":
      return String(expression.value).length;
    case "name":
      return expression.name.length;
    case "load":
      return expression.tensor.name.length + 10;
    case "apply":
    case "rounded":
      return partsOf(expression).reduce((sum, part) => sum + lengthOf(part) + 4, 0);
  }
}
