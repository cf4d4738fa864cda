import type { Dtype } from "../../tensor/dtype.ts";
import { makeData, sizeOf, type HostData, type HostTensor } from "../../tensor/host.ts";
import {
  scalarFunctions,
  type ScalarArgument,
  type ScalarFunction,
  type ScalarName,
  type ScalarExpression,
} from "../scalar.ts";
import { broadcastSizes, stretched } from "./index-walk.ts";

/** A scalar function on each element of columns of one length. */
function apply(op: ScalarName, columns: readonly Float64Array[], into: HostData): void {
  const [x, y, z] = columns;
  const { evaluate }: ScalarFunction = scalarFunctions[op];
  if (y === undefined) for (let i = 0; i < into.length; i++) into[i] = evaluate(x![i]!);
  else if (z === undefined) for (let i = 0; i < into.length; i++) into[i] = evaluate(x![i]!, y[i]!);
  else for (let i = 0; i < into.length; i++) into[i] = evaluate(x![i]!, y[i]!, z[i]!);
}

/** One scalar function on each element of operands that broadcast. */
export function evaluateElementwise(
  op: ScalarName,
  operands: readonly HostTensor[],
  dtype: Dtype,
): HostTensor {
  const shape = broadcastSizes(operands.map((operand) => operand.shape));
  const data = makeData(dtype, sizeOf(shape));
  apply(
    op,
    operands.map((operand) => stretched(operand, shape)),
    data,
  );
  return { dtype, shape, data };
}

/** A scalar program on each element of `shape`, to which the inputs stretch: a step at a time, in float64. */
export function evaluateExpression(
  program: ScalarExpression,
  inputs: readonly HostTensor[],
  dtype: Dtype,
  shape: readonly number[],
): HostTensor {
  const size = sizeOf(shape);
  const wide = inputs.map((input) => stretched(input, shape));
  const steps: Float64Array[] = [];
  const columnOf = (argument: ScalarArgument): Float64Array =>
    argument.kind === "number"
      ? new Float64Array(size).fill(argument.value)
      : (argument.kind === "input" ? wide : steps)[argument.index]!;
  for (const { op, args } of program.steps) {
    const into = new Float64Array(size);
    apply(op, args.map(columnOf), into);
    steps.push(into);
  }
  const data = makeData(dtype, size);
  data.set(steps.at(-1)!);
  return { dtype, shape, data };
}
