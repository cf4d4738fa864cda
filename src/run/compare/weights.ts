import { readFloat32 } from "../../checkpoint/stored.ts";
import type { Packing } from "../../passes/packing.ts";
import { InternalError } from "../../support/invariant.ts";
import { dtypeBytes } from "../../tensor/dtype.ts";
import { asHalves, elementsAsRun } from "../packed-weights.ts";
import type { Weights } from "../weights.ts";

/** How far a tensor is from the original. */
export interface WeightError {
  readonly name: string;
  /** Of an element: 8 or 4 of a code, or those of the floats that are stored. */
  readonly bits: number;
  /** ‖Δw‖ / ‖w‖ of the tensor, w being the original. */
  readonly error: number;
}

/** ‖found - expected‖ / ‖expected‖; infinite where zeros became something else, or where anything is NaN. */
export function relativeError(found: Float32Array, expected: Float32Array): number {
  let [error, size] = [0, 0];
  for (let index = 0; index < expected.length; index++) {
    error += (found[index]! - expected[index]!) ** 2;
    size += expected[index]! ** 2;
  }
  if (error === 0) return 0;
  const relative = Math.sqrt(error / size);
  return Number.isNaN(relative) ? Infinity : relative;
}

/** The error of each tensor as it is run, tensor by tensor, beside the weights of the same model that they are held to. */
export const weightErrors = (
  { tensors }: Weights,
  packing: Pick<Packing, "parameters" | "halves">,
  original: Weights,
): readonly WeightError[] =>
  [...tensors].map(([name, tensor]) => {
    const expected = original.tensors.get(name);
    if (expected === undefined) throw new InternalError(`the original has no ${name}`);
    const packed = packing.parameters.get(name);
    const half = packing.halves.get(name);
    const run = half === undefined ? tensor : asHalves(name, tensor, half);
    return {
      name,
      bits: packed?.form.bits ?? 8 * dtypeBytes[run.dtype],
      error: relativeError(elementsAsRun(run, packed), readFloat32(expected.read())),
    };
  });
