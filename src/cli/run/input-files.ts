import { readBytes, readStart } from "../../checkpoint/files/read.ts";
import { isNpy, NPY_START, statedNpyArray } from "../../checkpoint/npy.ts";
import { places } from "../../checkpoint/places.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import type { StoredTensor } from "../../checkpoint/stored.ts";
import type { Graph, Input } from "../../ir/graph.ts";
import { findInput, inputTensor, isLevels, misfit } from "../../run/inputs.ts";
import { nearest } from "../../support/text.ts";
import type { HostTensor } from "../../tensor/host.ts";
import { contentOf } from "../../train/data/source.ts";
import type { Out } from "../out.ts";
import { orStop, stop } from "../stop.ts";

/**
 * `name=file`: arrays for inputs of the model, read as training reads them: .npy, .npz, .safetensors and IDX, also in
 * gzip. `file.npz:array` and `file.safetensors:tensor` pick one of several.
 */
export function readInputs(
  graph: Graph,
  given: readonly string[],
  out: Pick<Out, "note">,
  outputs?: readonly string[],
): ReadonlyMap<string, HostTensor> {
  const inputs = new Map<string, HostTensor>();
  for (const text of given) {
    const [, name, file] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined || file === undefined)
      stop("E811", `--input expects name=file, found ${quote(text)}`, "for example --input image=digit.npy");
    const input = orStop(findKept(graph, name, outputs));
    const stored = orStop(readArray(file, input));
    const tensor = orStop(inputTensor(input, stored, file));
    if (isLevels(input, stored)) out.note(`${input.name} from ${file}: bytes / 255, as in training\n`);
    inputs.set(input.name, tensor);
  }
  return inputs;
}

/** One that the model has may be left out with the outputs that need it: a name that is near is then no better guess. */
function findKept(graph: Graph, name: string, outputs: readonly string[] | undefined): Input | Problem {
  const found = findInput(graph, name);
  if (!(found instanceof Problem) || outputs === undefined) return found;
  const help =
    "leave it off: with --output, the model has the inputs that the kept outputs need, and no others";
  return new Problem(found.code, found.message, help);
}

/** The array of a file for an input; that it does not fit is found before it is made of bytes, of a .npy file before it is read. */
function readArray(file: string, input: Input): StoredTensor | Problem {
  const [, path, part] = /^(.*\.(?:safetensors|npz)(?:\.gz)?):(.+)$/s.exec(file) ?? [
    undefined,
    file,
    undefined,
  ];
  const start = readStart(path, places.data, NPY_START);
  if (start instanceof Problem) return start;
  if (isNpy(start)) {
    const stated = statedNpyArray(start, path);
    const unfit = stated instanceof Problem ? stated : misfit(input, stated, file);
    if (unfit !== undefined) return unfit;
  }
  const bytes = readBytes(path, places.data);
  if (bytes instanceof Problem) return bytes;
  const content = contentOf({ name: path, bytes });
  if (content instanceof Problem) return content;
  if (content === "text")
    return new Problem("E811", `${path}: arrays are read from .npy, .npz, .safetensors and IDX files`);
  return isArrays(content) ? pick(content, part, path) : content;
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
