import type { Node, Value } from "../../ir/graph.ts";
import { isFloat } from "../../tensor/dtype.ts";
import { sameType } from "../../tensor/type.ts";
import { numberOf } from "../facts.ts";

import type { Rule } from "./rule.ts";

/** `kept` if the node's other operand changes neither its elements nor its type. */
const keep = (node: Node, kept: Value): Value | undefined =>
  sameType(kept.type, node.results[0]!.type) ? kept : undefined;

/** x · 1 = 1 · x = x / 1 = x, also for NaN, infinities and -0. */
const timesOne: Rule = (node, facts) => {
  if (node.op !== "mul" && node.op !== "div") return undefined;
  const { x, y } = node.operands;
  if (numberOf(facts.producer(y)) === 1) return keep(node, x);
  return node.op === "mul" && numberOf(facts.producer(x)) === 1 ? keep(node, y) : undefined;
};

/** x - 0 = x and x + (-0) = x; but x + 0 is not x for x = -0, so that needs integers. */
const plusZero: Rule = (node, facts) => {
  if (node.op !== "add" && node.op !== "sub") return undefined;
  const { x, y } = node.operands;
  const isNeutral = (value: Value): boolean => {
    const number = numberOf(facts.producer(value));
    if (number !== 0) return false;
    return !isFloat(node.results[0]!.type.dtype) || Object.is(number, node.op === "sub" ? 0 : -0);
  };
  if (isNeutral(y)) return keep(node, x);
  return node.op === "add" && isNeutral(x) ? keep(node, y) : undefined;
};

/** x¹ = x. */
const powerOne: Rule = (node, facts) =>
  node.op === "pow" && numberOf(facts.producer(node.operands.y)) === 1
    ? keep(node, node.operands.x)
    : undefined;

/** -(-x) = x; not(not x) = x. */
const twice: Rule = (node, facts) => {
  if (node.op !== "neg" && node.op !== "not") return undefined;
  const inner = facts.producer(node.operands.x);
  return inner?.op === node.op ? keep(node, inner.operands.x) : undefined;
};

/** where(true, x, y) = x; where(false, x, y) = y; where(c, x, x) = x. */
const decided: Rule = (node, facts) => {
  if (node.op !== "where") return undefined;
  const { condition, x, y } = node.operands;
  if (x === y) return keep(node, x);
  const truth = numberOf(facts.producer(condition));
  return truth === undefined ? undefined : keep(node, truth === 0 ? y : x);
};

export const algebraRules: readonly Rule[] = [timesOne, plusZero, powerOne, twice, decided];
