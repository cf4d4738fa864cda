import { placeOf } from "../ir/sizes.ts";
import { oneValue } from "../ops/infer/training.ts";
import { constantDim, productOfDims, type Dim } from "../tensor/dim.ts";
import type { Plan } from "./plan.ts";

/** A size that depends on the inputs of a run and must be large enough. */
export interface SizeNeed {
  readonly size: Dim;
  readonly least: number;
  /** What is wrong if it is not, with the line of the model. */
  readonly message: string;
}

/** What the steps of a plan ask of the run-time dims beyond their bounds; shape rules have checked all that is constant. */
export function sizeNeeds({ steps }: Plan): readonly SizeNeed[] {
  const needs = new Map<string, SizeNeed>();
  for (const step of steps) {
    if (step.op !== "batch_statistics") continue;
    const { x } = step.operands;
    const size = productOfDims(x.type.shape.filter((_, axis) => axis !== step.attrs.axis));
    if (constantDim(size) === undefined && !needs.has(size.key))
      needs.set(size.key, { size, least: 2, message: `${placeOf(step)}: ${oneValue}` });
  }
  return [...needs.values()];
}
