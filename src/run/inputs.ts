import { Problem, quote, showSizes } from "../checkpoint/problem.ts";
import { toHostTensor, type StoredTensor } from "../checkpoint/stored.ts";
import type { Graph, Input } from "../ir/graph.ts";
import { listWords, nearest } from "../support/text.ts";
import { constantDim } from "../tensor/dim.ts";
import { isFloat, isInteger, roundTo } from "../tensor/dtype.ts";
import { hostTensor, sizeOf, type HostTensor } from "../tensor/host.ts";
import { showType } from "../tensor/type.ts";

/** What a file says of an array before its elements. */
export type StatedArray = Pick<StoredTensor, "dtype" | "shape">;

export function findInput(graph: Graph, name: string): Input | Problem {
  const input = graph.inputs.find((candidate) => candidate.name === name);
  if (input !== undefined) return input;
  const names = graph.inputs.map((candidate) => candidate.name);
  const near = nearest(name, names);
  return new Problem(
    "E811",
    `the model has no input ${quote(name)}; it has ${listWords(names)}`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}

/**
 * An array as an input takes it: bytes for floats are divided by 255, and rows get the shape that the model states, if it
 * states all of its sizes and they have as many elements. `file` is what a message calls the array.
 */
export function inputTensor(input: Input, array: StoredTensor, file: string): HostTensor | Problem {
  const unfit = misfit(input, array, file);
  if (unfit !== undefined) return unfit;
  const { dtype } = input.value.type;
  const tensor = toHostTensor(array, file);
  if (tensor instanceof Problem) return tensor;
  const values = isLevels(input, array)
    ? Float64Array.from(tensor.data, (byte) => roundTo(dtype, byte / 255))
    : tensor.data;
  return { ...hostTensor(dtype, tensor.shape, values), shape: shapeFor(input, tensor.shape) };
}

/** Bytes for a float input are levels from 0 to 1. */
export const isLevels = ({ value }: Input, { dtype }: StatedArray): boolean =>
  dtype === "u8" && isFloat(value.type.dtype);

/**
 * Why an array is none for an input: one of whole numbers fits floats, but one of floats does not fit ids, and the sizes
 * that the model states are met. Undefined if it is one.
 */
export function misfit(input: Input, array: StatedArray, file: string): Problem | undefined {
  const { dtype, shape } = input.value.type;
  const found = shapeFor(input, array.shape);
  const isShape =
    shape.length === found.length &&
    shape.every((size, axis) => (constantDim(size) ?? found[axis]) === found[axis]);
  if (isShape && (!isInteger(dtype) || isInteger(array.dtype))) return undefined;
  return new Problem(
    "E812",
    `${file}: the input \`${input.name}\` is ${showType(input.value.type)}, found ${array.dtype}${showSizes(array.shape)}`,
  );
}

/** Rows of another shape get that of the model, if it states all of its sizes and they have as many elements. */
function shapeFor({ value }: Input, shape: readonly number[]): readonly number[] {
  const [rows, ...axes] = value.type.shape;
  const sizes = axes.map((size) => constantDim(size));
  const [count, ...found] = shape;
  const isStated = rows !== undefined && sizes.every((size) => size !== undefined);
  return isStated && count !== undefined && sizeOf(sizes) === sizeOf(found) ? [count, ...sizes] : shape;
}

/** The first input that is not given and has no default, as a problem; undefined if there is none. */
export function missingInput(graph: Graph, given: ReadonlyMap<string, unknown>): Problem | undefined {
  const missing = graph.inputs.find(({ name, fill }) => fill === undefined && !given.has(name));
  if (missing === undefined) return undefined;
  const { name, value } = missing;
  const ids = isInteger(value.type.dtype) ? ", or ids with --tokens or --prompt" : "";
  return new Problem(
    "E816",
    `the input \`${name}\` ${showType(value.type)} is not given`,
    `give an array with --input ${name}=FILE${ids}`,
  );
}
