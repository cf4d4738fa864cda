import { constantDim, sameDim } from "../tensor/dim.ts";
import { isFloat } from "../tensor/dtype.ts";
import { elementsOf } from "../tensor/type.ts";
import { contracts } from "../kernels/contracts.ts";
import { operandEntries, type Step } from "./plan.ts";
import { isDense, type View } from "../kernels/view.ts";

/**
 * Whether the kernel of a step may write a result into the memory of a buffer that it reads: every operand that reads
 * the buffer, in whatever role, must be one that the contract lets be overwritten, and its elements must stand where those
 * of the result will. What the step does not read has no say in it.
 */
export const mayOverwrite = (step: Step, buffer: number, result: View): boolean =>
  operandEntries(step).every(
    ({ name, view }) => view.buffer !== buffer || (isOverwritable(step, name) && liesAs(view, result)),
  );

/** Whether the kernel reads each element of the operand before, or in the same turn as, it writes a result there. */
export const isOverwritable = (step: Step, operand: string): boolean => {
  const names: readonly string[] = contracts[step.op].overwrites;
  return names.includes(operand);
};

/** Element i of one stands where element i of the other would, from the start of its buffer, in a word of the same kind. */
const liesAs = (operand: View, result: View): boolean =>
  [operand, result].every((view) => isDense(view) && constantDim(view.offset) === 0) &&
  sameDim(elementsOf(operand.type), elementsOf(result.type)) &&
  isFloat(operand.type.dtype) === isFloat(result.type.dtype);
