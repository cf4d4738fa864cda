import { join } from "node:path";
import { makeFolder } from "../../checkpoint/files/folders.ts";
import { Problem } from "../../checkpoint/problem.ts";
import { cachedModel } from "../../export/onnx/cached/one-text.ts";
import { twoTextModels, twoTextNames } from "../../export/onnx/cached/two-texts.ts";
import { onnxBytes, onnxModel } from "../../export/onnx/emit.ts";
import type { Opset } from "../../export/onnx/opsets.ts";
import type { ModelProto } from "../../checkpoint/onnx/schema.ts";
import type { Refusal } from "../../export/table.ts";
import type { LoweredModel } from "../../lower/lower.ts";
import { outputOf } from "../../run/model.ts";
import { tokenInput, twoTexts, type TwoTexts } from "../../run/tokens.ts";
import { errorAt, type Diagnostic } from "../../support/diagnostic.ts";
import { loadModel } from "../load.ts";
import type { Out } from "../out.ts";
import { readSource } from "../places.ts";
import { checkpointConfig, checkpointFolder } from "../run/chosen.ts";
import { readTextIfThere } from "../run/tokenizer-files.ts";
import { withTrainedRun } from "../run/trained.ts";
import { orStop, stop, Stop } from "../stop.ts";
import { flagOf, switchNames } from "../targets.ts";
import { written, type FolderFile } from "./folder-files.ts";
import type { OnnxChoice } from "./onnx-options.ts";
import { weightFiles, type PlacesFor } from "./onnx-weights.ts";
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

/** Writes model.onnx, or the models of an encoder and a decoder, and what they need beside them. */
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
  const output = outputOf({ graph: model.graph, output: options.output?.[0] });
  const two = isCached(options) ? twoTexts(model.graph, output) : undefined;
  const names = two === undefined ? ["model"] : Object.values(twoTextNames);
  const weights = weightFiles(model, options, folder, names, out);
  const made =
    two === undefined
      ? { model: madeModel(model, options, output, weights.placesFor) }
      : madeModels(model, options, output, two, weights.placesFor);
  const unmade = makeFolder(folder);
  if (unmade !== undefined) throw new Stop([unmade]);
  return [
    ...Object.entries(made).map(([name, proto]) => ({
      path: join(folder, `${name}.onnx`),
      text: onnxBytes(proto),
    })),
    ...texts.map(({ path, text }) => ({
      path: join(options.out, path),
      text: withChunks(path, text, names, weights.count),
    })),
  ]
    .map(({ path, text }) => written(path, text))
    .concat(weights.files.map((file) => file.put()));
}

const isCached = ({ sessions, generate }: OnnxChoice): boolean => sessions === true || generate === true;

const opsetOf = ({ opset }: OnnxChoice): Opset => Number(opset ?? 23) as Opset;

/** The model, with a cache where texts are to be written by it; what ONNX has no form for ends the command at its line. */
function madeModel(
  { graph }: LoweredModel,
  options: OnnxChoice,
  output: string,
  placesFor: PlacesFor,
): ModelProto {
  const [opset, places] = [opsetOf(options), placesFor("model")];
  if (!isCached(options)) return orRefuse(onnxModel(graph, { opset, places }));
  const tokens = orStop(
    tokenInput(graph, "leave --sessions and --generate off: the model is written whole then"),
  );
  return orRefuse(cachedModel(graph, { opset, places, tokens, output })).model;
}

/** The two that a text about another is written with, by the names of their files. */
function madeModels(
  { graph }: LoweredModel,
  options: OnnxChoice,
  output: string,
  two: TwoTexts,
  placesFor: PlacesFor,
): Readonly<Record<string, ModelProto>> {
  const { encoder, decoder } = twoTextNames;
  const places = { encoder: placesFor(encoder), decoder: placesFor(decoder) };
  const made = orRefuse(twoTextModels(graph, { opset: opsetOf(options), places, output, ...two }));
  return { [encoder]: made.encoder, [decoder]: made.decoder };
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
function withChunks(path: string, text: string, models: readonly string[], files: number): string {
  if (path !== CONFIG) return text;
  const config = JSON.parse(text) as Record<string, unknown>;
  const own = { ...(config["transformers.js_config"] as object | undefined), dtype: "fp32" };
  const chunks = Object.fromEntries(models.map((model) => [`${model}.onnx`, files]));
  const told = { ...own, use_external_data_format: chunks };
  return `${JSON.stringify({ ...config, "transformers.js_config": told }, null, 2)}\n`;
}
