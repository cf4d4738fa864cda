import { basename, join, relative, resolve, sep } from "node:path";
import type { CheckpointTensor } from "../../checkpoint/match.ts";
import { quote } from "../../checkpoint/problem.ts";
import { readSafetensors, writeSafetensors } from "../../checkpoint/safetensors.ts";
import { toStored } from "../../checkpoint/stored.ts";
import type { FindPlace } from "../../export/onnx/exporter.ts";
import type { ExternalPlace } from "../../export/onnx/writer.ts";
import { randomParameters } from "../../ir/initialize.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { parseNumber } from "../arguments.ts";
import type { Out } from "../out.ts";
import { openChosenWeights } from "../run/chosen.ts";
import { orStop, stop } from "../stop.ts";
import { linked, written, type FolderFile } from "./folder-files.ts";
import type { OnnxChoice } from "./onnx-options.ts";
import { OwnWeights } from "./onnx-own-weights.ts";

/** Where a model of this name finds its parameters. */
export type PlacesFor = (model: string) => FindPlace;

interface Weights {
  readonly placesFor: PlacesFor;
  /** What is to be in the folder for it. */
  readonly files: readonly { readonly put: () => FolderFile }[];
  /** In how many files the weights of one model are. */
  readonly count: number;
}

/** Where the parameters are, for models of these names in a folder, and the files that are to be there for it. */
export function weightFiles(
  model: LoweredModel,
  options: OnnxChoice,
  folder: string,
  names: readonly string[],
  out: Out,
): Weights {
  if (model.graph.parameters.length === 0) return { placesFor: () => noPlace, files: [], count: 0 };
  if (options.weights === undefined) return drawnWeights(model, options, folder);
  const { tensors, close } = openChosenWeights(model, options, out);
  close();
  if (options.generate === true && names.length > 1) return apart(tensors, folder, names);
  const paths = [
    ...new Set([...tensors.values()].flatMap(({ places: own = [] }) => own.map(({ path }) => path))),
  ];
  const locationIn = (name: string, path: string): string =>
    locationOf(path, folder, options, name, paths.indexOf(path));
  const placesFor: PlacesFor = (name) => (parameter) =>
    placesOf(parameter, tensors.get(parameter)!, (path) => locationIn(name, path));
  model.graph.parameters.forEach(({ name }) => placesFor(names[0]!)(name));
  const targets = new Map(
    names.flatMap((name) => paths.map((path) => [join(folder, locationIn(name, path)), path] as const)),
  );
  const files = [...targets]
    .filter(([to, path]) => to !== join(path))
    .map(([to, path]) => ({ put: () => linked(path, to) }));
  return { placesFor, files, count: paths.length };
}

/** What pages load, a file for each of several models. */
function apart(
  tensors: ReadonlyMap<string, CheckpointTensor>,
  folder: string,
  names: readonly string[],
): Weights {
  const find: FindPlace = (parameter) => placesOf(parameter, tensors.get(parameter)!, (path) => path);
  const own = new Map(names.map((name) => [name, new OwnWeights(chunkName(name, 0), find)]));
  const files = [...own].map(([name, weights]) => ({
    put: () => weights.write(join(folder, chunkName(name, 0))),
  }));
  return { placesFor: (name) => own.get(name)!.placesOf, files, count: 1 };
}

const noPlace: FindPlace = (name) => stop("E817", `there are no weights: ${quote(name)} has no place`);

/** What transformers.js calls the files beside a model, which are looked for by number. */
const chunkName = (model: string, index: number): string =>
  `${model}.onnx_data${index === 0 ? "" : `_${index}`}`;

/** A file in the folder is named from there; another gets a name there. */
function locationOf(
  path: string,
  folder: string,
  { generate }: OnnxChoice,
  model: string,
  index: number,
): string {
  if (generate === true) return chunkName(model, index);
  const from = relative(resolve(folder), resolve(path));
  return from.startsWith("..") || resolve(from) === from ? basename(path) : from.split(sep).join("/");
}

/** An ONNX model points at elements that lie in files as they are. */
function placesOf(
  name: string,
  { dtype, shape, places, quantized }: CheckpointTensor,
  locationOfPath: (path: string) => string,
): readonly ExternalPlace[] {
  if (places === undefined || quantized !== undefined)
    return stop(
      "E848",
      `${quote(name)} lies in no file as numbers: it is stored as codes, in a GGUF file, or merged of several`,
      "a model in ONNX points into safetensors of f32, f16 or bf16, and copies none",
    );
  const own = places.length === 1 ? shape : shape.slice(1);
  return places.map(({ path, start, end }) => ({
    dtype,
    shape: own,
    location: locationOfPath(path),
    offset: start,
    length: end - start,
  }));
}

/** Random weights, as a file of their own. transformers.js has none to write texts by: it asks a checkpoint for more. */
function drawnWeights({ graph }: LoweredModel, { random }: OnnxChoice, folder: string): Weights {
  if (random === undefined)
    return stop(
      "E817",
      "a model in ONNX says where its weights are, and there are none",
      "name a checkpoint with --weights, or draw some with --random 0",
    );
  const drawn = Object.entries(
    randomParameters(graph, orStop(parseNumber("--random", random, 0, 2 ** 32 - 1, true))),
  );
  const bytes = writeSafetensors(new Map(drawn.map(([name, tensor]) => [name, toStored(tensor)])));
  const location = "model.safetensors";
  const found = placesIn(bytes, location);
  return {
    placesFor: () => (name) => [found.get(name)!],
    files: [{ put: () => written(join(folder, location), bytes) }],
    count: 1,
  };
}

/** Where tensors are in a file of safetensors. */
function placesIn(bytes: Uint8Array, location: string): ReadonlyMap<string, ExternalPlace> {
  const { tensors } = orStop(readSafetensors(bytes, location));
  return new Map(
    [...tensors].map(([name, { dtype, shape, bytes: own }]) => [
      name,
      { dtype, shape, location, offset: own.byteOffset - bytes.byteOffset, length: own.length },
    ]),
  );
}
