import type { Node, Value } from "../../../ir/graph.ts";
import { constantDim, dim, sameDim, type Dim } from "../../../tensor/dim.ts";
import { affineOf, countingAxis, type Affine } from "../affine.ts";
import { NoForm } from "../graph.ts";
import { intOf } from "../model.ts";
import type { Site } from "../site.ts";
import { rankOf, type Convert } from "./form.ts";

/**
 * x[i, j] for places that only count along axes, as a mask of keys is read by `vmap`: x itself, its axes where those of the
 * result are. Other places are computed, for which there is no op.
 */
export const gatherNd: Convert = (site) => {
  const [x, places] = [site.value(0), site.value(1)];
  const computed = (): never => {
    throw new NoForm("elements by computed places");
  };
  const depth = constantDim(places.type.shape.at(-1)!);
  if (intOf(site.node, "batch_dims", 0) !== 0 || depth !== rankOf(x)) return computed();
  const shape = places.type.shape.slice(0, -1);
  const axes = partsOf(site, places)?.map((part) => axisOf(site, part));
  if (axes?.length !== rankOf(x)) return computed();
  return alongAxes(site, x, axes, shape) ?? computed();
};

/** x with its axes at those of a shape, stretched over the others. Undefined if they stand in another order, or are of other sizes. */
function alongAxes(
  site: Site,
  x: Value,
  axes: readonly (number | undefined)[],
  shape: readonly Dim[],
): Value | undefined {
  const wide: Dim[] = shape.map(() => dim(1));
  let last = -1;
  for (const [own, axis] of axes.entries()) {
    if (axis === undefined || axis <= last || !sameDim(shape[axis], x.type.shape[own])) return undefined;
    last = axis;
    wide[axis] = x.type.shape[own]!;
  }
  return site.emit("broadcast", { x: site.reshape(x, wide) }, { shape });
}

/**
 * The elements of a table [B, T] that was made flat, [B·T] or [B·T, 1], at b · T + t: the table itself, its axes where b and t
 * count. Undefined for places that are computed otherwise.
 */
export function gatherFlat(site: Site, flat: Value, places: Value): Value | undefined {
  const node = producerIn(site)(flat);
  const affine = affineOf(places, producerIn(site));
  const [, ...rest] = flat.type.shape;
  const isFlat = rest.length <= 1 && rest.every((size) => constantDim(size) === 1);
  if (node?.op !== "reshape" || !isFlat || affine === undefined) return undefined;
  const { x } = node.operands;
  if (rankOf(x) !== 2 || constantDim(affine.constant) !== 0) return undefined;
  const { shape } = places.type;
  const made = alongAxes(site, x, rowsAndColumns(affine, x.type.shape[1]!), shape);
  return made && rest.length > 0 ? site.reshape(made, [...shape, dim(1)]) : made;
}

/** The axes that are counted by whole rows, and by one. */
function rowsAndColumns({ by }: Affine, width: Dim): readonly (number | undefined)[] {
  const counts = (size: Dim) => [...by.keys()].filter((axis) => sameDim(by[axis], size));
  const [rows, columns] = [counts(width), counts(dim(1))];
  const others = by.filter((each) => constantDim(each) !== 0).length;
  return others === 2 && rows.length === 1 && columns.length === 1 ? [rows[0], columns[0]] : [undefined];
}

const producerIn =
  (site: Site) =>
  (value: Value): Node | undefined =>
    site.nodes.find(({ results }) => results.includes(value));

/** The values of the last axis, one by one. */
function partsOf(site: Site, places: Value): readonly Value[] | undefined {
  const node = producerIn(site)(places);
  if (node?.op !== "concat" || node.attrs.axis !== rankOf(places) - 1) return undefined;
  const { values } = node.operands;
  return values.every(({ type }) => constantDim(type.shape.at(-1)!) === 1) ? values : undefined;
}

/** The axis along which places count from 0. */
function axisOf(site: Site, value: Value): number | undefined {
  const affine = affineOf(value, producerIn(site));
  if (affine === undefined || constantDim(affine.constant) !== 0) return undefined;
  return countingAxis(affine);
}
