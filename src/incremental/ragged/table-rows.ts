import { constantDim, productOfDims, type Dim } from "../../tensor/dim.ts";
import { again, refused, type BatchRule } from "./batch.ts";

/** Rows of a table, one a position, as learned positions: each text takes those of its own. */
export const tableRows: BatchRule<"slice"> = (node, batch) => {
  const { texts, factOf } = batch;
  const { x } = node.operands;
  const { axis, start } = node.attrs;
  const run = factOf(node.results[0]!).axes.get(axis);
  const first = constantDim(start);
  if (run?.kind !== "rows" || first === undefined || batch.of(x).isLifted) return refused(node, "its rows");
  // Known, and so alike for all rows.
  if (factOf(x).known !== undefined) return again(node, (value) => batch.of(value).value, batch);
  const { shape } = x.type;
  const others = shape.toSpliced(axis, 1);
  const order = [axis, ...others.map((_, at) => (at < axis ? at : at + 1))];
  const rows = axis === 0 ? x : texts.emit("permute", { x }, { axes: order });
  const table = texts.reshaped(rows, [shape[axis]!, productOfDims(others)]);
  const at = texts.positions(run.lead);
  const ids = first === 0 ? at : texts.emit("add", { x: at, y: texts.number(first, "i32") }, {});
  const found = texts.emit("embedding", { table, ids }, {});
  const [of, size] = at.type.shape as readonly [Dim, Dim];
  const parted = texts.reshaped(found, [of, size, ...others]);
  if (axis === 0) return [{ value: parted, isLifted: true }];
  const axes = [0, ...others.map((_, at) => at + 2).toSpliced(axis, 0, 1)];
  return [{ value: texts.emit("permute", { x: parted }, { axes }), isLifted: true }];
};
