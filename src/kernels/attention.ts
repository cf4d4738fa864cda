import type { AttributesOf } from "../ops/table.ts";
import type { Dim } from "../tensor/dim.ts";
import type { View } from "./view.ts";

export interface Axis {
  readonly size: Dim;
  readonly stride: Dim;
}

/** Batch, head and row of an operand of attention that lies either way, and the elements of a row. */
export interface AttentionAxes {
  readonly batch: Axis;
  readonly head: Axis;
  readonly row: Axis;
  readonly width: Dim;
}

export function attentionAxes(
  { type, strides }: View,
  layout: AttributesOf<"attend">["layout"],
): AttentionAxes {
  const [head, row] = layout === "heads_first" ? [1, 2] : [2, 1];
  const along = (axis: number): Axis => ({ size: type.shape[axis]!, stride: strides[axis]! });
  return { batch: along(0), head: along(head), row: along(row), width: type.shape[3]! };
}
