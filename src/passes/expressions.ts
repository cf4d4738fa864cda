import type { Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { Mismatch } from "../ops/define.ts";
import type { ScalarArgument, ScalarExpression } from "../ops/scalar.ts";
import { ops } from "../ops/table.ts";
import { sameType, type TensorType } from "../tensor/type.ts";
import { numberOf, type ScalarNode } from "./facts.ts";
import type { Uses } from "./uses.ts";

/** What a scalar node reads when it is a step of an expression: constants are numbers there, not tensors. */
export type StepOperand = Value | number;

/** The operands of a step. A constant stays a tensor if it gives the result its shape or its dtype. */
export function stepOperands(node: ScalarNode, uses: Uses): readonly StepOperand[] {
  const values = operandValues(node);
  const operands = values.map((value) => numberOf(uses.producer(value)) ?? value);
  const { expression, inputs } = makeExpression([{ node, operands }]);
  const types = inputs.length === 0 ? undefined : inferElementwise(inputs, expression);
  return types !== undefined && sameType(types, node.results[0]!.type) ? operands : values;
}

function inferElementwise(inputs: readonly Value[], program: ScalarExpression): TensorType | undefined {
  const types = ops.elementwise.infer({ inputs: inputs.map((value) => value.type) }, { program });
  return types instanceof Mismatch ? undefined : types[0];
}

export interface Step {
  readonly node: ScalarNode;
  readonly operands: readonly StepOperand[];
}

/** The steps as one expression; what no step before makes becomes an input, after those given. */
export function makeExpression(
  steps: readonly Step[],
  first: readonly Value[] = [],
): { readonly expression: ScalarExpression; readonly inputs: readonly Value[] } {
  const inputs = new Map<Value, number>(first.map((value, index) => [value, index]));
  const made = new Map<Value, number>();
  const argument = (operand: StepOperand): ScalarArgument => {
    if (typeof operand === "number") return { kind: "number", value: operand };
    const step = made.get(operand);
    if (step !== undefined) return { kind: "step", index: step };
    const index = inputs.get(operand) ?? inputs.size;
    inputs.set(operand, index);
    return { kind: "input", index };
  };
  const scalarSteps = steps.map(({ node, operands }, index) => {
    const args = operands.map(argument);
    made.set(node.results[0]!, index);
    return { op: node.op, args };
  });
  return { expression: { steps: scalarSteps }, inputs: [...inputs.keys()] };
}

/** The expression on product + bias: i1 is added first, and what read the product i0 reads that sum. */
export function afterBias({ steps }: ScalarExpression): ScalarExpression {
  const [product, bias] = [0, 1].map((index) => ({ kind: "input" as const, index }));
  const moved = steps.map(({ op, args }) => ({
    op,
    args: args.map((arg): ScalarArgument => {
      if (arg.kind === "step") return { ...arg, index: arg.index + 1 };
      return arg.kind === "input" && arg.index === 0 ? { kind: "step", index: 0 } : arg;
    }),
  }));
  return { steps: [{ op: "add", args: [product!, bias!] }, ...moved] };
}
