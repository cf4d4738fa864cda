import type { Node, Value } from "../../ir/graph.ts";
import { withOperands } from "../../ir/node.ts";
import { addDims, constantDim } from "../../tensor/dim.ts";
import { sameType } from "../../tensor/type.ts";
import { fillsShape, isScalarNode } from "../facts.ts";
import { operandValues } from "../../ir/node.ts";
import { makeInPlace } from "../nodes.ts";
import type { Rule } from "./rule.ts";

/** A reshape, broadcast or cast to the type that x has; a permute that moves nothing; a slice of the whole. */
const changesNothing: Rule = (node) => {
  if (!isMove(node)) return undefined;
  const { x } = node.operands;
  if (!sameType(x.type, node.results[0]!.type)) return undefined;
  if (node.op === "permute" && node.attrs.axes.some((axis, index) => axis !== index)) return undefined;
  if (node.op === "slice" && constantDim(node.attrs.start) !== 0) return undefined;
  return x;
};

type Move = Extract<Node, { readonly op: "reshape" | "permute" | "broadcast" | "cast" | "slice" }>;

const isMove = (node: Node): node is Move =>
  node.op === "reshape" ||
  node.op === "permute" ||
  node.op === "broadcast" ||
  node.op === "cast" ||
  node.op === "slice";

/** reshape(reshape(x)) = reshape(x). */
const reshapeTwice: Rule = (node, facts) => {
  if (node.op !== "reshape") return undefined;
  const inner = facts.producer(node.operands.x);
  if (inner?.op !== "reshape") return undefined;
  return makeInPlace("reshape", { x: inner.operands.x }, node.attrs, node.origin, node.results);
};

/** permute(permute(x, p), q) = permute(x, p[q]). */
const permuteTwice: Rule = (node, facts) => {
  if (node.op !== "permute") return undefined;
  const inner = facts.producer(node.operands.x);
  if (inner?.op !== "permute") return undefined;
  const axes = node.attrs.axes.map((axis) => inner.attrs.axes[axis]!);
  return makeInPlace("permute", { x: inner.operands.x }, { axes }, node.origin, node.results);
};

/** broadcast(broadcast(x)) = broadcast(x). */
const broadcastTwice: Rule = (node, facts) => {
  if (node.op !== "broadcast") return undefined;
  const inner = facts.producer(node.operands.x);
  if (inner?.op !== "broadcast") return undefined;
  return makeInPlace("broadcast", { x: inner.operands.x }, node.attrs, node.origin, node.results);
};

/** slice(slice(x, a), b) = slice(x, a + b) along the same axis. */
const sliceTwice: Rule = (node, facts) => {
  if (node.op !== "slice") return undefined;
  const inner = facts.producer(node.operands.x);
  if (inner?.op !== "slice" || inner.attrs.axis !== node.attrs.axis) return undefined;
  const start = addDims(inner.attrs.start, node.attrs.start);
  const attrs = { ...node.attrs, start };
  return makeInPlace("slice", { x: inner.operands.x }, attrs, node.origin, node.results);
};

/** concat of one value is that value; parts of nothing add nothing. */
const concatOne: Rule = (node) => {
  if (node.op !== "concat") return undefined;
  const [only, ...rest] = node.operands.values;
  return rest.length === 0 && only !== undefined ? only : undefined;
};

/** f(broadcast(x), y) = f(x, y): elementwise ops stretch by themselves, so the copy is not needed. */
const broadcastOperand: Rule = (node, facts) => {
  if (!isScalarNode(node)) return undefined;
  const { shape } = node.results[0]!.type;
  const stretched = (value: Value): Value => {
    const producer = facts.producer(value);
    return producer?.op === "broadcast" ? producer.operands.x : value;
  };
  const operands = operandValues(node);
  if (operands.every((value) => stretched(value) === value)) return undefined;
  const narrow = withOperands(node, stretched);
  if (!fillsShape(operandValues(narrow), shape)) return undefined;
  return scalarsStay(operands, operandValues(narrow)) ? narrow : undefined;
};

/** A scalar takes the dtype of the tensors beside it, so none may become one. */
const scalarsStay = (before: readonly Value[], after: readonly Value[]): boolean =>
  after.every((value, index) => value.type.shape.length > 0 || before[index]!.type.shape.length === 0) ||
  after.every((value) => sameDtypeAs(value, after[0]!));

const sameDtypeAs = (a: Value, b: Value): boolean => a.type.dtype === b.type.dtype;

export const layoutRules: readonly Rule[] = [
  changesNothing,
  reshapeTwice,
  permuteTwice,
  broadcastTwice,
  sliceTwice,
  concatOne,
  broadcastOperand,
];
