import { placeOf } from "../ir/sizes.ts";
import { oneValue } from "../ops/infer/training.ts";
import { addDims, constantDim, productOfDims, showDim, subtractDims, type Dim } from "../tensor/dim.ts";
import type { Plan } from "./plan.ts";

/** A size that depends on the inputs of a run and must be large enough. */
export interface SizeNeed {
  readonly size: Dim;
  readonly least: number;
  /** What is wrong if it is not, with the line of the model. */
  readonly message: string;
}

/** What the steps of a plan ask of the run-time dims beyond their bounds; shape rules have checked all that is constant. */
export function sizeNeeds({ steps }: Pick<Plan, "steps">): readonly SizeNeed[] {
  const needs = new Map<string, SizeNeed>();
  const add = (need: SizeNeed): void => {
    if (constantDim(need.size) === undefined && !needs.has(need.size.key)) needs.set(need.size.key, need);
  };
  for (const step of steps)
    if (step.op === "batch_statistics") {
      const size = productOfDims(step.operands.x.type.shape.filter((_, axis) => axis !== step.attrs.axis));
      add({ size, least: 2, message: `${placeOf(step)}: ${oneValue}` });
    } else if (step.op === "write") {
      const { part, x } = step.operands;
      const { axis, start } = step.attrs;
      const [size, room] = [part.type.shape[axis]!, x.type.shape[axis]!];
      const message = `${placeOf(step)}: ${showDim(size)} from ${showDim(start)} reaches past the ${showDim(room)} that the state has`;
      add({ size: subtractDims(room, addDims(start, size)), least: 0, message });
    }
  return [...needs.values()];
}
