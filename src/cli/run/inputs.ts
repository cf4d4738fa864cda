import { readBytes, readStart } from "../../checkpoint/files/read.ts";
import { isNpy, NPY_START, statedNpyArray } from "../../checkpoint/npy.ts";
import { places } from "../../checkpoint/places.ts";
import { Problem, quote, showSizes } from "../../checkpoint/problem.ts";
import { toHostTensor, type StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph, Input } from "../../ir/graph.ts";
import { listWords, nearest } from "../../support/text.ts";
import { constantDim, dim } from "../../tensor/dim.ts";
import { isFloat, isInteger, roundTo } from "../../tensor/dtype.ts";
import { hostTensor, sizeOf, type HostTensor } from "../../tensor/host.ts";
import { showType, type TensorType } from "../../tensor/type.ts";
import { contentOf } from "../../train/data/source.ts";
import type { Out } from "../out.ts";
import { orStop, stop } from "../stop.ts";

/**
 * `name=file`: arrays for inputs of the model, read as training reads them: .npy, .npz, .safetensors and IDX, also in
 * gzip; bytes for floats are divided by 255, and rows get the shape that the model states. `file.npz:array` and
 * `file.safetensors:tensor` pick one of several.
 */
export function readInputs(
  graph: Graph,
  given: readonly string[],
  out: Pick<Out, "note">,
): ReadonlyMap<string, HostTensor> {
  const inputs = new Map<string, HostTensor>();
  for (const text of given) {
    const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined || file === undefined)
      stop("E811", `--input expects name=file, found ${quote(text)}`, "for example --input image=digit.npy");
    const input = findInput(graph, name);
    const stored = orStop(readArray(file, (array) => requireFits(input, array, file)));
    const tensor = converted(input, stored, file);
    if (isLevels(input, stored)) out.note(`${input.name} from ${file}: bytes / 255, as in training\n`);
    inputs.set(input.name, { ...tensor, shape: shapeFor(input, tensor.shape) });
  }
  return inputs;
}

function findInput(graph: Graph, name: string): Input {
  const input = graph.inputs.find((candidate) => candidate.name === name);
  if (input !== undefined) return input;
  const names = graph.inputs.map((candidate) => candidate.name);
  const near = nearest(name, names);
  return stop(
    "E811",
    `the model has no input ${quote(name)}; it has ${listWords(names)}`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}

/** Bytes for a float input are levels from 0 to 1. */
const isLevels = ({ value }: Input, { dtype }: StoredTensor): boolean =>
  dtype === "u8" && isFloat(value.type.dtype);

/** What a file says of an array before its elements. */
type StatedArray = Pick<StoredTensor, "dtype" | "shape">;

/** An array of whole numbers fits a float input; one of floats does not fit ids. Sizes that the model states are met. */
function requireFits(input: Input, array: StatedArray, file: string): void {
  const { dtype, shape } = input.value.type;
  const found = shapeFor(input, array.shape);
  const isShape =
    shape.length === found.length &&
    shape.every((size, axis) => (constantDim(size) ?? found[axis]) === found[axis]);
  if (isShape && (!isInteger(dtype) || isInteger(array.dtype))) return;
  stop(
    "E812",
    `${file}: the input \`${input.name}\` is ${showType(input.value.type)}, found ${array.dtype}${showSizes(array.shape)}`,
  );
}

function converted(input: Input, stored: StoredTensor, file: string): HostTensor {
  const { dtype } = input.value.type;
  const tensor = orStop(toHostTensor(stored, file));
  const values = isLevels(input, stored)
    ? Float64Array.from(tensor.data, (byte) => roundTo(dtype, byte / 255))
    : tensor.data;
  return hostTensor(dtype, tensor.shape, values);
}

/** Rows of another shape get that of the model, if it states all of its sizes and they have as many elements. */
function shapeFor({ value }: Input, shape: readonly number[]): readonly number[] {
  const [rows, ...axes] = value.type.shape;
  const sizes = axes.map((size) => constantDim(size));
  const [count, ...found] = shape;
  const isStated = rows !== undefined && sizes.every((size) => size !== undefined);
  return isStated && count !== undefined && sizeOf(sizes) === sizeOf(found) ? [count, ...sizes] : shape;
}

/** The array of a file; `check` sees what it is before it is made of bytes, and of a .npy file before it is read. */
function readArray(file: string, check: (array: StatedArray) => void): StoredTensor | Problem {
  const [, path, part] = /^(.*\.(?:safetensors|npz)(?:\.gz)?):(.+)$/s.exec(file) ?? [
    undefined,
    file,
    undefined,
  ];
  const start = readStart(path, places.data, NPY_START);
  if (start instanceof Problem) return start;
  if (isNpy(start)) check(orStop(statedNpyArray(start, path)));
  const bytes = readBytes(path, places.data);
  if (bytes instanceof Problem) return bytes;
  const content = contentOf({ name: path, bytes });
  if (content instanceof Problem) return content;
  if (content === "text")
    return new Problem("E811", `${path}: arrays are read from .npy, .npz, .safetensors and IDX files`);
  const array = isArrays(content) ? pick(content, part, path) : content;
  if (!(array instanceof Problem)) check(array);
  return array;
}

const isArrays = (
  content: StoredTensor | ReadonlyMap<string, StoredTensor>,
): content is ReadonlyMap<string, StoredTensor> => content instanceof Map;

/** The array that a name behind the colon picks; the only one if there is no name. */
function pick(
  arrays: ReadonlyMap<string, StoredTensor>,
  part: string | undefined,
  path: string,
): StoredTensor | Problem {
  const names = [...arrays.keys()];
  const name = part ?? (names.length === 1 ? names[0]! : undefined);
  const array = name === undefined ? undefined : arrays.get(name);
  if (array !== undefined) return array;
  if (name === undefined)
    return new Problem("E811", `${path} holds several arrays`, `name one: ${path}:${names[0] ?? "NAME"}`);
  const near = nearest(name, names);
  return new Problem(
    "E811",
    `${path} has no array ${quote(name)}`,
    near === undefined ? undefined : `did you mean ${quote(near)}?`,
  );
}

/** Ends the command if an input without a default is not given. */
export function requireInputs(graph: Graph, given: ReadonlyMap<string, unknown>): void {
  const missing = graph.inputs.find(({ name, fill }) => fill === undefined && !given.has(name));
  if (missing === undefined) return;
  const { name, value } = missing;
  const ids = isInteger(value.type.dtype) ? ", or ids with --tokens or --prompt" : "";
  stop(
    "E816",
    `the input \`${name}\` ${showType(value.type)} is not given`,
    `give an array with --input ${name}=FILE${ids}`,
  );
}

/** The input that takes token ids: the one called `tokens`, or the only one of whole numbers that must be given. */
export const tokenInput = (graph: Graph, help = "give arrays with --input name=file"): Input =>
  findTokenInput(graph) ?? stop("E813", "the model has no input for token ids", help);

function findTokenInput(graph: Graph): Input | undefined {
  const named = graph.inputs.find(({ name, value }) => name === "tokens" && isInteger(value.type.dtype));
  const whole = graph.inputs.filter(({ value, fill }) => isInteger(value.type.dtype) && fill === undefined);
  return named ?? (whole.length === 1 ? whole[0] : undefined);
}

/**
 * Whether the last axis of an output is the vocabulary, so that its values are logits: as long as the table that the
 * tokens index or, in a model without one, long enough for a tokenizer of `size` tokens.
 */
export function isOverVocabulary(graph: Graph, { dtype, shape }: TensorType, size: number): boolean {
  const input = findTokenInput(graph);
  const width = constantDim(shape.at(-1) ?? dim(1));
  if (input === undefined || width === undefined || shape.length < 2 || !isFloat(dtype)) return false;
  const rows = vocabularyOf(graph, input);
  return rows === Infinity ? width >= size : width === rows;
}

/** Token ids [B, T] as a tensor for an input; each must be in the vocabulary: the rows of the table that it indexes. */
export function tokenTensor(graph: Graph, input: Input, rows: readonly (readonly number[])[]): HostTensor {
  const vocabulary = vocabularyOf(graph, input);
  rows.forEach((row, b) =>
    row.forEach((id, t) => {
      if (id >= vocabulary)
        stop(
          "E814",
          `token ${id} at position ${t}${rows.length > 1 ? ` of row ${b}` : ""} is not in the vocabulary: the model has ids 0 to ${vocabulary - 1}`,
        );
    }),
  );
  const length = rows[0]!.length;
  const limit = contextOf(graph, input);
  if (length > limit)
    stop(
      "E815",
      `${length} tokens are too many: the model reads at most ${limit}`,
      "give fewer; `lmg generate` reads the last of a long text",
    );
  const rank = input.value.type.shape.length;
  if (rank === 1 && rows.length === 1) return hostTensor("i32", [length], rows[0]!);
  return hostTensor("i32", [rows.length, length], rows.flat());
}

function vocabularyOf(graph: Graph, input: Input): number {
  for (const node of graph.nodes)
    if (node.op === "embedding" && node.operands.ids === input.value)
      return constantDim(node.operands.table.type.shape[0]!) ?? Infinity;
  return Infinity;
}

/** The longest sequence that an input takes. */
export function contextOf(graph: Graph, input: Input): number {
  const length = input.value.type.shape.at(-1)!;
  const symbol = graph.symbols.find(({ name }) => name === length.key);
  return symbol === undefined ? (constantDim(length) ?? Infinity) : (symbol.max ?? Infinity);
}
