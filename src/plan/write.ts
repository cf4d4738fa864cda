import { sliceView } from "../kernels/view.ts";
import type { StepOf } from "./plan.ts";

/** A write as what it does where it lies: a copy of the part to its place. */
export const asCopy = ({ operands, attrs, results, ...step }: StepOf<"write">): StepOf<"copy"> => ({
  ...step,
  op: "copy",
  operands: { x: operands.part },
  attrs: {},
  results: [sliceView(results[0]!, attrs.axis, attrs.start, operands.part.type)],
});
