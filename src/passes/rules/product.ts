import { makeInPlace } from "../nodes.ts";
import type { Rule } from "./rule.ts";

/**
 * matmul(x, w) with a matrix known at load => linear(x, w): a linear's weight is laid out once for the kernel, and only
 * linears take epilogues.
 */
const matmulByWeight: Rule = (node, facts) => {
  if (node.op !== "matmul") return undefined;
  const { a, b } = node.operands;
  if (b.type.shape.length !== 2 || !facts.isLoadTime(b)) return undefined;
  const layout = node.attrs.transpose_b ? "out_in" : "in_out";
  return makeInPlace("linear", { x: a, weight: b, bias: undefined }, { layout }, node.origin, node.results);
};

/** linear(x, permute(w, [1, 0])) => linear(x, w) in the other layout: tied tables are read as they are stored. */
const linearByTransposed: Rule = (node, facts) => {
  if (node.op !== "linear") return undefined;
  const inner = facts.producer(node.operands.weight);
  if (inner?.op !== "permute") return undefined;
  const layout = node.attrs.layout === "out_in" ? "in_out" : "out_in";
  const operands = { ...node.operands, weight: inner.operands.x };
  return makeInPlace("linear", operands, { layout }, node.origin, node.results);
};

export const productRules: readonly Rule[] = [matmulByWeight, linearByTransposed];
