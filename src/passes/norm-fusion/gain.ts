import type { Node, NodeOf, Value } from "../../ir/graph.ts";
import { constantDim, sameDim } from "../../tensor/dim.ts";
import { sameType, showShape, type TensorType } from "../../tensor/type.ts";
import { numberOf } from "../facts.ts";
import type { Uses } from "../uses.ts";
import type { Found } from "./found.ts";
import { refuse } from "./reasons.ts";

/** What one side of an edge is multiplied by: a number, and one number or one a column known when the kernel runs. */
export interface Gain {
  readonly scale: number;
  readonly tensor: Value | undefined;
}

/** Takes muls and a minus in front of a side of the add into the kernel: at most one number and one tensor. */
export function peelGain(
  start: Value,
  sum: TensorType,
  uses: Uses,
  found: Found,
): { readonly value: Value; readonly gain: Gain } {
  let value = start;
  let scale: number | undefined;
  let tensor: Value | undefined;
  for (;;) {
    const node = uses.producer(value);
    if (node === undefined || uses.soleUse(value) === undefined) break;
    const factor = factorOf(node, sum, uses);
    if (factor === undefined) {
      noteGain(node, found);
      break;
    }
    const isNumber = typeof factor.by === "number";
    if (isNumber ? scale !== undefined : tensor !== undefined) {
      found.notes.push(refuse("gain_count", isNumber ? "a number" : "a gain"));
      break;
    }
    if (typeof factor.by === "number") scale = factor.by;
    else tensor = factor.by;
    found.absorbed.push(node);
    value = factor.of;
  }
  return { value, gain: { scale: scale ?? 1, tensor } };
}

/** The node as `by · of`, if `by` is a gain that the kernel knows. */
function factorOf(node: Node, sum: TensorType, uses: Uses): { by: number | Value; of: Value } | undefined {
  if (node.op === "neg") return { by: -1, of: node.operands.x };
  if (node.op !== "mul") return undefined;
  const whole = node.results[0]!.type;
  for (const [of, gain] of operandPairs(node)) {
    if (!sameType(of.type, whole)) continue;
    const number = numberOf(uses.producer(gain));
    if (number !== undefined) return { by: number, of };
    if (isGain(gain.type, sum)) return { by: gain, of };
  }
  return undefined;
}

const operandPairs = ({ operands: { x, y } }: NodeOf<"mul">): readonly (readonly [Value, Value])[] => [
  [x, y],
  [y, x],
];

const isGain = ({ dtype, shape }: TensorType, sum: TensorType): boolean =>
  dtype === sum.dtype &&
  (shape.length === 0 ||
    (shape.length === 1 && (constantDim(shape[0]!) === 1 || sameDim(shape[0], sum.shape.at(-1)))));

/** A mul that an edge wrote as its gain, or that stretches one operand, was meant as one. */
function noteGain(node: Node, found: Found): void {
  if (node.op !== "mul") return;
  const whole = node.results[0]!.type;
  const [, gain] = operandPairs(node).find(([of]) => sameType(of.type, whole)) ?? [];
  const isWritten = node.origin.edges.some((part) => part.role === "skip" || part.role === "branch");
  if (gain !== undefined && (isWritten || !sameType(gain.type, whole)))
    found.notes.push(refuse("gain_rank", showShape(gain.type.shape)));
}
