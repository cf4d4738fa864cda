import { joinSpans, spanText, type Span } from "../../support/source.ts";
import type { BinaryOperator, Expression } from "../ast/expressions.ts";
import * as errors from "../errors/tree.ts";
import type { Report } from "../report.ts";

/** One of a flat row of operands and operators, as the grammar reads an expression. */
export type Item =
  | { readonly kind: "operand"; readonly operand: Expression }
  | { readonly kind: "operator"; readonly operator: BinaryOperator | "not"; readonly span: Span };

/** How tightly an operator holds its operands. */
const levels: Readonly<Record<BinaryOperator, number>> = {
  or: 1,
  and: 2,
  "<=": 4,
  ">=": 4,
  "==": 4,
  "!=": 4,
  "<": 4,
  ">": 4,
  in: 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
  "^": 8,
};
const NOT = 3;
const COMPARISON = 4;
const NEGATION = 7;

/** Turns a row into a tree by precedence climbing. The grammar has checked that operators and operands alternate. */
export function climb(row: readonly Item[], report: Report): Expression {
  let at = 0;

  const operatorAt = (index: number): (Item & { kind: "operator" }) | undefined => {
    const item = row[index];
    return item?.kind === "operator" ? item : undefined;
  };

  /** An operand with its prefixes; `least` is the level of the operator to the left. */
  const prefixed = (least: number): Expression => {
    const item = row[at++]!;
    if (item.kind === "operand") return item.operand;
    const operator = item.operator === "not" ? "not" : "-";
    const operand = binary(operator === "not" ? NOT : NEGATION);
    const span = joinSpans(item.span, operand.span);
    if (operator === "not" && least > NOT) report.add(errors.notNeedsParentheses(item.span, span));
    return { kind: "unary", span, operator, operand };
  };

  /** An expression of operators that hold at least as tightly as `least`. */
  const binary = (least: number): Expression => {
    let left = prefixed(least);
    for (;;) {
      const item = operatorAt(at);
      if (item === undefined || item.operator === "not") return left;
      const level = levels[item.operator];
      if (level < least) return left;
      at++;
      const right = binary(item.operator === "^" ? level - 1 : level + 1);
      if (level === COMPARISON) refuseChain(left, item.span, right, report);
      const span = joinSpans(left.span, right.span);
      left = { kind: "binary", span, operator: item.operator, operatorSpan: item.span, left, right };
    }
  };

  return binary(0);
}

function refuseChain(left: Expression, operator: Span, right: Expression, report: Report): void {
  if (left.kind !== "binary" || levels[left.operator] !== COMPARISON) return;
  const [first, middle, last] = [left.span, left.right.span, right.span].map(spanText);
  const fix = `${first!} and ${middle!} ${spanText(operator)} ${last!}`;
  report.add(errors.chainedComparison(operator, left.operatorSpan, fix, middle!));
}
