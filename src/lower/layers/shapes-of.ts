import type { Value } from "../../ir/graph.ts";
import { constantDim, divideDims, dim, showDim, type Dim } from "../../tensor/dim.ts";
import { showType } from "../../tensor/type.ts";
import type { Site } from "./define.ts";

/** The axis counted from the front; a negative one counts from the end. */
export function axisOf(site: Site, x: Value, axis: number, ranks = x.type.shape.length): number {
  const found = axis < 0 ? axis + ranks : axis;
  if (found < 0 || found >= ranks) site.fail(`${showType(x.type)} has no axis ${axis}`, x);
  return found;
}

/** The size of an axis that must be known before the model runs, for a parameter's shape. */
export function knownSize(site: Site, x: Value, axis: number): number {
  const at = axisOf(site, x, axis);
  const size = x.type.shape[at]!;
  return (
    constantDim(size) ??
    site.fail(
      `axis ${at} of ${showType(x.type)} is ${showDim(size)}, which is known only when the model runs`,
      x,
    )
  );
}

/** `size / by`, which must be whole. */
export function partOf(site: Site, x: Value, size: Dim, by: number, what: string): Dim {
  if (by < 1) site.fail(`cannot make ${by} ${what}`, x);
  return (
    divideDims(size, dim(by)) ?? site.fail(`${showDim(size)} channels do not split into ${by} ${what}`, x)
  );
}

export function needRank(site: Site, x: Value, least: number, form: string): void {
  if (x.type.shape.length < least) site.fail(`expected ${form}, got ${showType(x.type)}`, x);
}

export function needDropoutRate(site: Site, rate: number): void {
  if (!(rate >= 0 && rate < 1)) site.fail(`a rate is at least 0 and below 1, got ${rate}`);
}

/** x under another shape of as many elements. */
export const reshape = (site: Site, x: Value, sizes: readonly Dim[]): Value =>
  site.emit("reshape", { x }, { shape: sizes });

/** The sizes but that of one axis. */
export const without = (sizes: readonly Dim[], axis: number): Dim[] =>
  sizes.filter((_, index) => index !== axis);
