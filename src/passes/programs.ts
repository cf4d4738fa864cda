import type { Value } from "../ir/graph.ts";
import { operandValues } from "../ir/node.ts";
import { Mismatch } from "../ops/define.ts";
import type { ScalarArgument, ScalarProgram } from "../ops/scalar.ts";
import { ops } from "../ops/table.ts";
import { sameType, type TensorType } from "../tensor/type.ts";
import { numberOf, type ScalarNode } from "./facts.ts";
import type { Uses } from "./uses.ts";

/** What a scalar node reads when it is a step of a program: constants are numbers there, not tensors. */
export type StepOperand = Value | number;

/** The operands of a step. A constant stays a tensor if it gives the result its shape or its dtype. */
export function stepOperands(node: ScalarNode, uses: Uses): readonly StepOperand[] {
  const values = operandValues(node);
  const operands = values.map((value) => numberOf(uses.producer(value)) ?? value);
  const { program, inputs } = makeProgram([{ node, operands }]);
  const types = inputs.length === 0 ? undefined : inferElementwise(inputs, program);
  return types !== undefined && sameType(types, node.results[0]!.type) ? operands : values;
}

function inferElementwise(inputs: readonly Value[], program: ScalarProgram): TensorType | undefined {
  const types = ops.elementwise.infer({ inputs: inputs.map((value) => value.type) }, { program });
  return types instanceof Mismatch ? undefined : types[0];
}

export interface Step {
  readonly node: ScalarNode;
  readonly operands: readonly StepOperand[];
}

/** The steps as one program; what no step before makes becomes an input, after those given. */
export function makeProgram(
  steps: readonly Step[],
  first: readonly Value[] = [],
): { readonly program: ScalarProgram; readonly inputs: readonly Value[] } {
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
  const program = steps.map(({ node, operands }, index) => {
    const args = operands.map(argument);
    made.set(node.results[0]!, index);
    return { op: node.op, args };
  });
  return { program: { steps: program }, inputs: [...inputs.keys()] };
}
