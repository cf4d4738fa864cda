import { append } from "../support/lists.ts";
import type { Point } from "./figure.ts";

/**
 * The exponential mean with weights that sum to one from the first value on (Kingma and Ba 2015, the correction of Adam's
 * moments). Values that are not finite are passed on and do not enter the mean. `memory` is how many values it spans: the
 * weight of a value is 1 / e after so many more.
 */
export function smooth(points: readonly Point[], memory: number): readonly Point[] {
  const keep = Math.exp(-1 / memory);
  let [sum, weight] = [0, 0];
  return points.map(({ x, y }) => {
    if (!Number.isFinite(y)) return { x, y };
    sum = keep * sum + (1 - keep) * y;
    weight = keep * weight + (1 - keep);
    return { x, y: sum / weight };
  });
}

/**
 * At most about `count` points that look the same: of each of the equal parts of the curve its lowest and its highest
 * point, and every one that is not finite. Order is kept.
 */
export function thin(points: readonly Point[], count: number): readonly Point[] {
  if (points.length <= count) return points;
  const size = (2 * points.length) / count;
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += size) {
    const part = points.slice(Math.floor(start), Math.floor(start + size));
    const finite = part.filter(({ y }) => Number.isFinite(y));
    const low = finite.reduce<Point | undefined>((a, b) => (a === undefined || b.y < a.y ? b : a), undefined);
    const high = finite.reduce<Point | undefined>(
      (a, b) => (a === undefined || b.y > a.y ? b : a),
      undefined,
    );
    append(
      kept,
      part.filter((point) => point === low || point === high || !Number.isFinite(point.y)),
    );
  }
  return kept;
}
