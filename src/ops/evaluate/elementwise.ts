import type { Dtype } from "../../tensor/dtype.ts";
import { makeData, sizeOf, type HostTensor } from "../../tensor/host.ts";
import {
  runScalarProgram,
  scalarFunctions,
  type ScalarFunction,
  type ScalarName,
  type ScalarProgram,
} from "../scalar.ts";
import { broadcastSizes, stretched } from "./index-walk.ts";

/** One scalar function on each element of operands that broadcast. */
export function evaluateElementwise(
  op: ScalarName,
  operands: readonly HostTensor[],
  dtype: Dtype,
): HostTensor {
  const shape = broadcastSizes(operands.map((operand) => operand.shape));
  const data = makeData(dtype, sizeOf(shape));
  const [x, y, z] = operands.map((operand) => stretched(operand, shape));
  const { evaluate: apply }: ScalarFunction = scalarFunctions[op];
  if (y === undefined) for (let i = 0; i < data.length; i++) data[i] = apply(x![i]!);
  else if (z === undefined) for (let i = 0; i < data.length; i++) data[i] = apply(x![i]!, y[i]!);
  else for (let i = 0; i < data.length; i++) data[i] = apply(x![i]!, y[i]!, z[i]!);
  return { dtype, shape, data };
}

/** A scalar program on each element of `shape`, to which the inputs stretch. */
export function evaluateProgram(
  program: ScalarProgram,
  inputs: readonly HostTensor[],
  dtype: Dtype,
  shape: readonly number[],
): HostTensor {
  const data = makeData(dtype, sizeOf(shape));
  const wide = inputs.map((input) => stretched(input, shape));
  const element = inputs.map(() => 0);
  for (let i = 0; i < data.length; i++) {
    for (let k = 0; k < element.length; k++) element[k] = wide[k]![i]!;
    data[i] = runScalarProgram(program, element);
  }
  return { dtype, shape, data };
}
