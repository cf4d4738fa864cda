import type { View } from "../kernels/view.ts";
import { evaluateDim } from "../tensor/dim.ts";
import type { Layout } from "./layout.ts";
import { isAtLoad, memoryName, type Plan } from "./plan.ts";
import { movedBy, type Sizes } from "./stats.ts";
import { keyOfView } from "./shared.ts";

/** The bytes of weights and states that a run reads, each once: no kernels do without them. */
export function leastBytes(plan: Plan, sizes: Sizes, layout: Layout): number {
  const read = new Map<string, { readonly most: number; readonly views: Map<string, number> }>();
  for (const step of plan.steps)
    for (const { view, bytes } of movedBy(step, sizes, layout).reads) {
      const buffer = plan.buffers[view.buffer]!;
      if (!isAtLoad(buffer.home) && buffer.home.kind !== "state") continue;
      const name = memoryName(buffer);
      const most = evaluateDim(layout.bytes(view.buffer), sizes);
      const known = read.get(name) ?? { most, views: new Map<string, number>() };
      // Of a table that is looked up only some rows are read.
      known.views.set(placeOf(view), Math.max(bytes, known.views.get(placeOf(view)) ?? 0));
      read.set(name, known);
    }
  let least = 0;
  for (const { most, views } of read.values())
    least += Math.min(
      most,
      [...views.values()].reduce((sum, bytes) => sum + bytes, 0),
    );
  return least;
}

/** Of the buffers of one memory, as a state before and after it is written, the same places are the same. */
const placeOf = (view: View): string => keyOfView({ ...view, buffer: 0 });
