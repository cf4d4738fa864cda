import type { Node, Value } from "../../ir/graph.ts";
import { mapOperands, namedOperands, operandValues } from "../../ir/node.ts";
import { hasTrait, recordOf } from "../../ops/table.ts";
import { constantDim } from "../../tensor/dim.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../tensor/host.ts";
import { isScalarNode, numberOf } from "../facts.ts";
import { makeInPlace } from "../nodes.ts";
import type { Facts, Rule } from "./rule.ts";

/** Elements of the largest constant that folding makes; what is larger is computed once at load instead. */
const MAX_FOLDED = 1024;

/** An op over constants is a constant: the op's own record computes it, so folding and running agree. */
export const foldConstants: Rule = (node, facts) => {
  const operands = operandValues(node);
  if (operands.length === 0 || recordOf(node.op).stage !== "core" || node.results.length !== 1)
    return undefined;
  return foldUniform(node, facts) ?? foldElements(node, facts);
};

/** f(full(a), full(b)) => full(f(a, b)), whatever the shapes, run-time dims too. */
function foldUniform(node: Node, facts: Facts): Node | undefined {
  if (!isScalarNode(node) && !hasTrait(node.op, "moves")) return undefined;
  const numbers = new Map<Value, number>();
  for (const value of operandValues(node)) {
    const number = numberOf(facts.producer(value));
    if (number === undefined) return undefined;
    numbers.set(value, number);
  }
  const value = uniformValue(node, numbers);
  if (value === undefined) return undefined;
  const { dtype, shape } = node.results[0]!.type;
  return makeInPlace("full", {}, { dtype, shape, value }, node.origin, node.results);
}

function uniformValue(node: Node, numbers: ReadonlyMap<Value, number>): number | undefined {
  if (isScalarNode(node) || node.op === "cast")
    return evaluate(node, (value) => hostTensor(value.type.dtype, [], [numbers.get(value)!])).data[0];
  const [first, ...rest] = numbers.values();
  return rest.every((other) => Object.is(other, first)) ? first : undefined;
}

/** The same for constants with different elements, while they are small. */
function foldElements(node: Node, facts: Facts): Node | undefined {
  const { dtype, shape } = node.results[0]!.type;
  const sizes = staticShape(shape);
  if (sizes === undefined || sizeOf(sizes) > MAX_FOLDED) return undefined;
  const tensors = new Map<Value, HostTensor>();
  for (const value of operandValues(node)) {
    const tensor = constantTensor(facts.producer(value));
    if (tensor === undefined) return undefined;
    tensors.set(value, tensor);
  }
  const values = [...evaluate(node, (value) => tensors.get(value)!).data];
  return makeInPlace("constant", {}, { dtype, shape, values }, node.origin, node.results);
}

function constantTensor(node: Node | undefined): HostTensor | undefined {
  if (node?.op !== "constant" && node?.op !== "full") return undefined;
  const shape = staticShape(node.attrs.shape);
  if (shape === undefined || sizeOf(shape) > MAX_FOLDED) return undefined;
  const values =
    node.op === "constant" ? node.attrs.values : new Array<number>(sizeOf(shape)).fill(node.attrs.value);
  return hostTensor(node.attrs.dtype, shape, values);
}

function staticShape(shape: Value["type"]["shape"]): number[] | undefined {
  const sizes = shape.map(constantDim);
  return sizes.every((size) => size !== undefined) ? sizes : undefined;
}

function evaluate(node: Node, tensorOf: (value: Value) => HostTensor): HostTensor {
  const operands = mapOperands(namedOperands(node), tensorOf);
  return recordOf(node.op).evaluate(operands as never, node.attrs)[0]!;
}
