import type { View } from "../../../kernels/view.ts";
import { LEAST_FLOAT } from "../../../ops/evaluate/attend.ts";
import { KernelBuilder } from "../builder.ts";
import type { Context, Dispatch } from "../kernel.ts";
import { floatText } from "../text.ts";
import { eachElement, LIST_SIZE } from "../walk.ts";
import { leftSize, observedLeft, type AttendGrad } from "./gradient-attend-stage.ts";

/** What the first stage left of each query row, as results: with them and all operands it would bind more than a device must allow. */
export function byRows(
  step: AttendGrad,
  [largest, entropy]: readonly View[],
  number: number,
  context: Context,
): Dispatch {
  const builder = new KernelBuilder(context);
  const left = builder.leftBefore(leftSize(step));
  const results = builder.tensors({}, { largest: largest!, entropy: entropy! });
  const { lines, groups } = eachElement(builder, largest!.type.shape, "row");
  const found = observedLeft(step, left);
  const seen = `select(${found.largest}, ${floatText(LEAST_FLOAT)}, ${found.share} == 0.0)`;
  return builder.finish({
    stage: number,
    name: "attend_grad_rows",
    doc: ["The largest score of each query row, and the entropy of its weights. A row an invocation."],
    body: [...lines, results.largest.put("row", seen), results.entropy.put("row", found.entropy)],
    workgroup: [LIST_SIZE],
    groups,
  });
}
