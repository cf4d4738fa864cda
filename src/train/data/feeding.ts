import { Problem, quote } from "../../checkpoint/problem.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";
import { listWords, nearest } from "../../support/text.ts";
import { columnOf, rowsDiffer, type Column } from "./columns.ts";
import { contentOf, type DataSource } from "./source.ts";
import type { Wanted, WantedTensor } from "./wanted.ts";

/** What the files were named with. */
export type DataOption = "--data" | "--validation";

/** The columns that files feed, in the order in which the model reads them; all that are required, and of one length. */
export function columnsOf(
  sources: readonly DataSource[],
  wanted: Wanted,
  option: DataOption,
): readonly Column[] | Problem {
  const columns = new Map<string, Column>();
  for (const source of sources) {
    const named = namedArrays(source, wanted.tensors);
    if (named instanceof Problem) return named;
    for (const { tensor, array, from } of named) {
      const before = columns.get(tensor.name);
      if (before !== undefined)
        return new Problem("E754", `${from}: ${quote(tensor.name)} is fed already, from ${before.from}`);
      const column = columnOf(array, tensor, from);
      if (column instanceof Problem) return column;
      columns.set(tensor.name, column);
    }
  }
  const fed = wanted.tensors.flatMap(({ name }) => columns.get(name) ?? []);
  return notFed(wanted, columns, option) ?? rowsDiffer(fed) ?? fed;
}

interface NamedArray {
  readonly tensor: WantedTensor;
  readonly array: StoredTensor;
  readonly from: string;
}

/** The arrays of a file with the inputs and targets that they feed. */
function namedArrays(source: DataSource, tensors: readonly WantedTensor[]): readonly NamedArray[] | Problem {
  const content = contentOf(source);
  if (content instanceof Problem) return content;
  const { name: file, feeds } = source;
  const names = tensors.map(({ name }) => name);
  const wanted = tensors.find(({ name }) => name === feeds);
  if (feeds !== undefined && wanted === undefined) return nobodyReads(feeds, names, file);
  if (content === "text") return textAmongArrays(file);
  if (!isMap(content))
    return wanted === undefined ? noName(file, names) : [{ tensor: wanted, array: content, from: file }];
  if (wanted !== undefined) return oneOf(content, wanted, file);
  const found = tensors.flatMap((tensor) => {
    const array = content.get(tensor.name);
    return array === undefined ? [] : [{ tensor, array, from: `${file}: ${tensor.name}` }];
  });
  return found.length > 0 ? found : nothingFits(content, names, file);
}

const isMap = (
  content: StoredTensor | ReadonlyMap<string, StoredTensor>,
): content is ReadonlyMap<string, StoredTensor> => content instanceof Map;

/** `image=digits.npz`: the array of that name, or the only one. */
function oneOf(
  arrays: ReadonlyMap<string, StoredTensor>,
  tensor: WantedTensor,
  file: string,
): readonly NamedArray[] | Problem {
  const only = arrays.size === 1 ? [...arrays.values()][0] : undefined;
  const array = arrays.get(tensor.name) ?? only;
  if (array !== undefined) return [{ tensor, array, from: file }];
  return nothingFits(arrays, [tensor.name], file);
}

const listNames = (names: Iterable<string>, last?: string): string =>
  listWords(
    [...names].slice(0, 20).map((name) => quote(name)),
    last,
  );

function nobodyReads(feeds: string, names: readonly string[], file: string): Problem {
  const near = nearest(feeds, names);
  return new Problem(
    "E754",
    `${file}: the model has no input or target ${quote(feeds)}`,
    near === undefined ? `it reads ${listNames(names)}` : `did you mean ${quote(near)}?`,
  );
}

const textAmongArrays = (file: string): Problem =>
  new Problem(
    "E754",
    `${file}: expected an array (.npy, .npz, .safetensors, IDX), found text`,
    "a text stands alone: it feeds the input and the target",
  );

const noName = (file: string, names: readonly string[]): Problem =>
  new Problem(
    "E754",
    `${file}: an array must say what it feeds: ${listNames(names, "or")}`,
    `name it: ${names[0] ?? "input"}=${file}`,
  );

const nothingFits = (
  arrays: ReadonlyMap<string, StoredTensor>,
  names: readonly string[],
  file: string,
): Problem =>
  new Problem(
    "E754",
    `${file}: expected an array ${listNames(names, "or")}, found ${listNames(arrays.keys())}`,
  );

/** An input or a target that must be given and is not. */
function notFed(
  { tensors }: Wanted,
  columns: ReadonlyMap<string, Column>,
  option: DataOption,
): Problem | undefined {
  const missing = tensors.filter(({ name, required }) => required && !columns.has(name));
  const [first] = missing;
  if (first === undefined) return undefined;
  return new Problem(
    "E754",
    `the ${option === "--data" ? "data" : "validation data"} has nothing for ${listNames(missing.map(({ name }) => name))}`,
    `name a file for it: ${option} ${first.name}=FILE`,
  );
}
