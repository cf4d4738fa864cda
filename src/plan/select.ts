import type { Node, NodeOf, Value } from "../ir/graph.ts";
import { isScalarName, type ScalarExpression } from "../ops/scalar.ts";
import { InternalError } from "../support/invariant.ts";
import { afterBias } from "../passes/expressions.ts";
import { isGraphKernel, type GraphKernel } from "../ops/table.ts";

/** What a kernel computes for a node: the same as the node, said as the kernel table says it. */
export interface KernelChoice {
  readonly op: GraphKernel;
  readonly operands: Readonly<Record<string, Value | undefined | readonly Value[]>>;
  readonly attrs: Readonly<Record<string, unknown>>;
}

/** A lone elementwise op is a chain of one; a linear has its bias as an epilogue. All other ops stand for themselves. */
export function selectKernel(node: Node): KernelChoice {
  const { op } = node;
  if (isScalarName(op)) return elementwiseOf(op, Object.values(node.operands as Record<string, Value>));
  if (op === "linear") return epilogueOf(node);
  if (!isGraphKernel(op)) throw new InternalError(`a plan cannot hold \`${op}\``);
  return { op, operands: node.operands, attrs: node.attrs };
}

function elementwiseOf(op: ScalarExpression["steps"][number]["op"], inputs: readonly Value[]): KernelChoice {
  const args = inputs.map((_, index) => ({ kind: "input" as const, index }));
  const program: ScalarExpression = { steps: [{ op, args }] };
  return { op: "elementwise", operands: { inputs }, attrs: { program } };
}

function epilogueOf({ operands, attrs }: NodeOf<"linear">): KernelChoice {
  const { x, weight, bias } = operands;
  const product: ScalarExpression = { steps: [] };
  return {
    op: "linear_epilogue",
    operands: { x, weight, extras: bias === undefined ? [] : [bias] },
    attrs: { layout: attrs.layout, epilogue: bias === undefined ? product : afterBias(product) },
  };
}
