import { basename, join, relative, resolve, sep } from "node:path";
import { makeFolder } from "../../checkpoint/files/folders.ts";
import type { CheckpointTensor } from "../../checkpoint/match.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import { readSafetensors, writeSafetensors } from "../../checkpoint/safetensors.ts";
import { cachedModel } from "../../export/onnx/cached.ts";
import { onnxBytes, onnxModel } from "../../export/onnx/emit.ts";
import type { FindPlace } from "../../export/onnx/exporter.ts";
import type { Opset } from "../../export/onnx/opsets.ts";
import type { ModelProto } from "../../checkpoint/onnx/schema.ts";
import type { ExternalPlace } from "../../export/onnx/writer.ts";
import type { Refusal } from "../../export/table.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { outputOf } from "../../run/model.ts";
import { tokenInput } from "../../run/tokens.ts";
import { randomParameters } from "../../ir/initialize.ts";
import { toStored } from "../../checkpoint/stored.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import { parseNumber } from "../arguments.ts";
import { loadModel } from "../load.ts";
import type { Out } from "../out.ts";
import { readSource } from "../places.ts";
import { checkpointConfig, checkpointFolder, openChosenWeights } from "../run/chosen.ts";
import { readTextIfThere } from "../run/tokenizer-files.ts";
import { withTrainedRun } from "../run/trained.ts";
import { orStop, stop, Stop } from "../stop.ts";
import { flagOf, switchNames } from "../targets.ts";
import { linked, written, type FolderFile } from "./folder-files.ts";
import type { OnnxChoice } from "./onnx-options.ts";
import { textsOf } from "./page-texts.ts";

/** What other targets are asked, and this one has not. */
const foreign = [
  "train",
  "seed",
  "quantize",
  "activations",
  "kernels",
  "ragged",
  "recompute",
  ...switchNames,
];

/** Writes model.onnx, and what it needs beside it. */
export async function compileOnnx(
  given: string,
  asked: OnnxChoice,
  out: Out,
): Promise<readonly FolderFile[]> {
  const other = foreign.find((name) => (asked as unknown as Record<string, unknown>)[name] !== undefined);
  if (other !== undefined)
    stop(
      "E804",
      `${flagOf(other)} is nothing that --target onnx has`,
      "leave it off, or choose another target",
    );
  const { model: chosen, options } = withTrainedRun(given, asked);
  const source = await readSource(chosen, options, out);
  const config = checkpointConfig(options);
  const { model } = await loadModel(source, options, out, { config });
  const texts = options.generate === true ? generationFiles(options, out) : [];
  const folder = options.generate === true ? join(options.out, "onnx") : options.out;
  const weights = weightFiles(model, options, folder, out);
  const made = madeModel(model, options, weights.places);
  const unmade = makeFolder(folder);
  if (unmade !== undefined) throw new Stop([unmade]);
  return [
    { path: join(folder, "model.onnx"), text: onnxBytes(made) },
    ...texts.map(({ path, text }) => ({
      path: join(options.out, path),
      text: withChunks(path, text, weights.files.length),
    })),
  ]
    .map(({ path, text }) => written(path, text))
    .concat(weights.files.map((file) => file.put()));
}

/** The model, with a cache where texts are to be written by it; what ONNX has no form for ends the command at its line. */
function madeModel({ graph }: LoweredModel, options: OnnxChoice, places: FindPlace): ModelProto {
  const opset = Number(options.opset ?? 23) as Opset;
  if (options.sessions !== true && options.generate !== true)
    return orRefuse(onnxModel(graph, { opset, places }));
  const tokens = orStop(
    tokenInput(graph, "leave --sessions and --generate off: the model is written whole then"),
  );
  const output = outputOf({ graph, output: options.output?.[0] });
  return orRefuse(cachedModel(graph, { opset, places, tokens, output })).model;
}

function orRefuse<T extends object>(made: T | Refusal): T {
  if (!("reason" in made)) return made;
  throw new Stop([whyNot(made)]);
}

/** The line that is to blame, and why. */
function whyNot({ detail, reason, node }: Refusal): Diagnostic {
  const what =
    reason === "cache" ? "the model has no form in ONNX with a cache" : "the model has no form in ONNX";
  const help = reason === "cache" ? "without --sessions and --generate it is written whole" : undefined;
  const span = node?.origin.spans.at(-1);
  if (node === undefined || span === undefined) return new Problem("E848", `${what}: ${detail}`, help);
  const { label } = node.origin;
  return errorAt("E848", span, what, {
    label: `${label === "" ? node.op : `\`${label}\``}: ${detail}`,
    ...(help === undefined ? {} : { help }),
  });
}

interface WeightFile {
  readonly put: () => FolderFile;
}

/** Where the parameters are, and the files that are to be in the folder for it. */
function weightFiles(
  model: LoweredModel,
  options: OnnxChoice,
  folder: string,
  out: Out,
): { readonly places: FindPlace; readonly files: readonly WeightFile[] } {
  if (model.graph.parameters.length === 0) return { places: noPlace, files: [] };
  if (options.weights === undefined) return drawnWeights(model, options, folder);
  const { tensors, close } = openChosenWeights(model, options, out);
  close();
  const paths = [
    ...new Set([...tensors.values()].flatMap(({ places: own = [] }) => own.map(({ path }) => path))),
  ];
  const locations = new Map(paths.map((path, index) => [path, locationOf(path, folder, options, index)]));
  const places: FindPlace = (name) => placesOf(name, tensors.get(name)!, locations);
  model.graph.parameters.forEach(({ name }) => places(name));
  const moved = paths.filter((path) => join(folder, locations.get(path)!) !== join(path));
  const files = moved.map((path) => ({ put: () => linked(path, join(folder, locations.get(path)!)) }));
  return { places, files };
}

const noPlace: FindPlace = (name) => stop("E817", `there are no weights: ${quote(name)} has no place`);

/** What transformers.js calls the files beside a model, which are looked for by number. */
const chunkName = (index: number): string => `model.onnx_data${index === 0 ? "" : `_${index}`}`;

/** A file in the folder is named from there; another gets a name there. */
function locationOf(path: string, folder: string, { generate }: OnnxChoice, index: number): string {
  if (generate === true) return chunkName(index);
  const from = relative(resolve(folder), resolve(path));
  return from.startsWith("..") || resolve(from) === from ? basename(path) : from.split(sep).join("/");
}

/** An ONNX model points at elements that lie in files as they are. */
function placesOf(
  name: string,
  { dtype, shape, places, quantized }: CheckpointTensor,
  locations: ReadonlyMap<string, string>,
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
    location: locations.get(path)!,
    offset: start,
    length: end - start,
  }));
}

/** Random weights, as a file of their own. */
function drawnWeights({ graph }: LoweredModel, { random, generate }: OnnxChoice, folder: string) {
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
  const location = generate === true ? chunkName(0) : "model.safetensors";
  const found = placesIn(bytes, location);
  const path = join(folder, location);
  return { places: (name: string) => [found.get(name)!], files: [{ put: () => written(path, bytes) }] };
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

/** What transformers.js reads beside a model: its config, its tokenizer, when texts end. */
function generationFiles(
  options: OnnxChoice,
  out: Out,
): readonly { readonly path: string; readonly text: string }[] {
  const folder = checkpointFolder(options);
  const path = folder === undefined ? undefined : join(folder, "config.json");
  const config = path === undefined ? undefined : readTextIfThere(path);
  if (config === undefined)
    return stop(
      "E839",
      "transformers.js asks config.json how many layers a cache has, and there is none beside the weights",
      "--sessions writes the model with its cache alone",
    );
  const { files } = textsOf(options.tokenizer ?? folder, checkpointConfig(options)?.config, out);
  return [{ path: CONFIG, text: config }, ...files];
}

const CONFIG = "config.json";

/** The config says in how many files the weights are, and that they are what they are. */
function withChunks(path: string, text: string, files: number): string {
  if (path !== CONFIG) return text;
  const config = JSON.parse(text) as Record<string, unknown>;
  const own = { ...(config["transformers.js_config"] as object | undefined), dtype: "fp32" };
  const told = { ...own, use_external_data_format: { "model.onnx": files } };
  return `${JSON.stringify({ ...config, "transformers.js_config": told }, null, 2)}\n`;
}
