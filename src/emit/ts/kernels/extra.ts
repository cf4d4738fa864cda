import { rowStep, type View } from "../../../kernels/view.ts";
import { constantDim } from "../../../tensor/dim.ts";
import { elementsOf } from "../../../tensor/type.ts";
import type { Operand } from "../../loops/formula.ts";
import { Place } from "../../loops/place.ts";
import type { Name } from "../../loops/tree.ts";
import type { CallBuilder } from "../call.ts";

/** A name of the loops around a kernel that is written by hand, as the language of loops has it. */
export const loopName = (name: string): Name => ({ kind: "name", name, type: "whole" });

/** The row of an element of a product, and the parts of its column's index. */
export interface ElementAt {
  readonly row: Operand;
  readonly column: readonly Name[];
}

/** What an epilogue reads beside its product: a lone number, a row that all rows share, or a tensor of the result's shape. */
export function extraElement(
  call: CallBuilder,
  extra: View,
  index: number,
  out: View,
  { row, column }: ElementAt,
): Place {
  const name = `y${index + 1}`;
  const first = new Place({ name, dtype: extra.type.dtype }).at(loopName(call.tensor(name, extra)));
  if (constantDim(elementsOf(extra.type)) === 1) return first;
  const isRow = extra.type.shape.length === 1 && out.type.shape.length > 1;
  const start = isRow ? first : first.at(row, loopName(call.size(`${name}Step`, rowStep(extra))));
  return column.reduce((place, part) => place.at(part), start);
}
