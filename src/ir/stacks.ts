import { constantDim } from "../tensor/dim.ts";
import { partName } from "../tensor/stack-names.ts";
import type { Parameter } from "./graph.ts";

/*
 * A stack is a parameter [n, ..shape] whose parts are tensors of their own in checkpoints, as experts are that are published one by one.
 * Its name has `*` where theirs have their numbers: no label of a model has one.
 */

export const isStack = (name: string): boolean => name.includes("*");

/** The names under which a checkpoint may have a parameter: its own, and those of its parts if it is a stack. */
export function publishedNames({ name, value }: Pick<Parameter, "name" | "value">): readonly string[] {
  if (!isStack(name)) return [name];
  const count = constantDim(value.type.shape[0]!)!;
  return [name, ...Array.from({ length: count }, (_, part) => partName(name, part))];
}

/** Elements row-major. */
interface Elements<D> {
  readonly shape: readonly number[];
  readonly data: D;
}

/** A tensor as files have it, by its names: the parts of a stack, which share its memory, or itself. */
export function publishedTensors<D extends { subarray(first: number, end: number): D; length: number }>(
  name: string,
  { shape, data }: Elements<D>,
): readonly (readonly [name: string, tensor: Elements<D>])[] {
  if (!isStack(name)) return [[name, { shape, data }]];
  const [count, ...each] = shape as [number, ...number[]];
  const size = data.length / count;
  return Array.from({ length: count }, (_, part) => [
    partName(name, part),
    { shape: each, data: data.subarray(part * size, (part + 1) * size) },
  ]);
}
