import type { Node } from "ohm-js";
import type { BinaryOperator, Expression } from "../ast/expressions.ts";
import * as errors from "../errors/tree.ts";
import { optional, spanOf, type Context } from "./context.ts";
import { climb, type Item } from "./precedence.ts";

/**
 * Operators that may stand on top of one another in a tree, brackets included: more than a person writes, few enough
 * that whoever walks the tree may recurse.
 */
const MAX_OPERATORS = 256;

/** `Expr`: a flat list of operands, and choices `a if c else b`, which group to the right. */
export function buildExpression(context: Context, node: Node): Expression {
  const choices = node.child(1).children;
  return nested(context, node, choices.length, () => {
    const flats = [node.child(0), ...choices.map((choice) => choice.child(3))];
    let result = buildFlat(context, flats.at(-1)!);
    for (const [index, choice] of [...choices.entries()].reverse()) {
      const then = buildFlat(context, flats[index]!);
      const condition = buildFlat(context, choice.child(1));
      const span = { ...then.span, end: result.span.end };
      result = { kind: "conditional", span, condition, then, otherwise: result };
    }
    return result;
  });
}

/** `Flat`: operands and operators in a row, put into a tree by precedence. */
export function buildFlat(context: Context, node: Node): Expression {
  const operations = node.child(2).children;
  const prefixes = node.child(0).children;
  const count = operations.reduce(
    (sum, operation) => sum + 1 + operation.child(1).numChildren,
    prefixes.length,
  );
  return nested(context, node, count, () => {
    const row = [
      ...prefixes.map((prefix) => operatorItem(context, prefix)),
      operandItem(context, node.child(1)),
      ...operations.flatMap((operation) => [
        operatorItem(context, operation.child(0)),
        ...operation.child(1).children.map((prefix) => operatorItem(context, prefix)),
        operandItem(context, operation.child(2)),
      ]),
    ];
    return climb(row, context.report);
  });
}

/** Builds what is below `count` operators, or refuses to if that makes too many. */
function nested(context: Context, node: Node, count: number, build: () => Expression): Expression {
  context.operators += count;
  try {
    if (context.operators <= MAX_OPERATORS) return build();
    const span = spanOf(context, node);
    context.report.add(errors.tooManyOperators(span, MAX_OPERATORS));
    return { kind: "number", span, value: 0, whole: true };
  } finally {
    context.operators -= count;
  }
}

const operatorItem = (context: Context, node: Node): Item => ({
  kind: "operator",
  operator: node.sourceString as BinaryOperator | "not",
  span: spanOf(context, node),
});

const operandItem = (context: Context, node: Node): Item => ({
  kind: "operand",
  operand: context.operand(context, node.child(0)),
});

/** The expression of an optional `= …`. */
export function buildDefault(context: Context, node: Node): Expression | undefined {
  const value = optional(node);
  return value === undefined ? undefined : buildExpression(context, value);
}
