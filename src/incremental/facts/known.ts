import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { evaluateCast } from "../../ops/evaluate/shape.ts";
import { isScalarName, scalarFunctions } from "../../ops/scalar.ts";
import { hostTensor } from "../../tensor/host.ts";
import type { Fact } from "./fact.ts";

/**
 * The one number that all elements of a node's result are, if they are. Elements are taken for finite: 0 · x is 0, and x = x
 * is true, by which models make rows of zeros and masks that hide nothing.
 */
export function knownOf(node: Node, factOf: (value: Value) => Fact): number | undefined {
  const known = (value: Value): number | undefined => factOf(value).known;
  switch (node.op) {
    case "full":
      return node.attrs.value;
    case "constant":
      return same(node.attrs.values);
    case "reshape":
    case "permute":
    case "broadcast":
    case "slice":
      return known(node.operands.x);
    case "cast":
      return castOf(node, known(node.operands.x));
    case "concat":
      return same(node.operands.values.map(known));
    default:
      return isScalarName(node.op) ? functionOf(node, known) : undefined;
  }
}

const same = (numbers: readonly (number | undefined)[]): number | undefined =>
  numbers.every((number) => number === numbers[0]) ? numbers[0] : undefined;

/** As the op rounds it. */
const castOf = ({ operands, attrs }: NodeOf<"cast">, number: number | undefined): number | undefined =>
  number === undefined
    ? undefined
    : evaluateCast(hostTensor(operands.x.type.dtype, [], [number]), attrs.dtype).data[0];

function functionOf(node: Node, known: (value: Value) => number | undefined): number | undefined {
  if (node.op === "eq" && node.operands.x === node.operands.y) return 1;
  if (node.op === "mul" && [node.operands.x, node.operands.y].some((value) => known(value) === 0)) return 0;
  return evaluated(node, operandValues(node).map(known));
}

/** A function of numbers, of which all are known. */
export function evaluated(node: Node, numbers: readonly (number | undefined)[]): number | undefined {
  if (!isScalarName(node.op)) return undefined;
  const all = numbers.filter((number) => number !== undefined);
  const evaluate: (...args: number[]) => number = scalarFunctions[node.op].evaluate;
  return all.length === numbers.length ? evaluate(...all) : undefined;
}
