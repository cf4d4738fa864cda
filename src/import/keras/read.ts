import { readHdf5 } from "../../checkpoint/hdf5.ts";
import {
  parseJsonObject,
  isJsonObject,
  ownValue,
  decodeUtf8,
  type JsonObject,
} from "../../checkpoint/json.ts";
import { Problem, quotePath } from "../../checkpoint/problem.ts";
import { readZipDirectory, unzipEntry } from "../../checkpoint/zip.ts";
import { readKerasModel, type KerasModel } from "./model.ts";
import { kerasWeights, legacyWeights, type KerasWeights } from "./weights.ts";

/** A Keras model and its weights, of which a config alone has none. */
export interface KerasFile {
  readonly model: KerasModel;
  readonly weights: KerasWeights;
}

const ZIP = 0x04034b50;
const HDF5 = 0x46444889;

/** Reads a `.keras` file, a `.h5` file or a config as JSON, whichever it is by its first bytes. */
export async function readKeras(bytes: Uint8Array, name: string): Promise<KerasFile | Problem> {
  const first = bytes.length < 4 ? 0 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (first === ZIP) return readArchive(bytes, name);
  if (first === HDF5) return readLegacy(bytes, name);
  if (!isJson(bytes))
    return new Problem(
      "E772",
      `${quotePath(name)} is no model of Keras: neither a .keras file, nor a .h5 file, nor a config as JSON`,
      'save it again, by `model.save("model.keras")`; a model of ONNX is named *.onnx',
    );
  const text = decodeUtf8(bytes, name);
  const model = text instanceof Problem ? text : modelOf(text, name);
  return model instanceof Problem ? model : { model: model.model, weights: new Map() };
}

const BRACE = 0x7b;
const BYTE_ORDER_MARK = 0xef;

/** A config is an object, whatever white space stands before it; what else is wrong with it is told by what reads it. */
const isJson = (bytes: Uint8Array): boolean => {
  const first = bytes.find((byte) => byte > 0x20);
  return first === BRACE || first === BYTE_ORDER_MARK;
};

function modelOf(
  text: string,
  name: string,
): { readonly model: KerasModel; readonly config: JsonObject } | Problem {
  const config = parseJsonObject(text, name);
  if (config instanceof Problem) return config;
  const model = readKerasModel(config, name);
  return model instanceof Problem ? model : { model, config };
}

/** What an archive of Keras 3 holds. */
const CONFIG = "config.json";
const WEIGHTS = "model.weights.h5";

async function readArchive(bytes: Uint8Array, name: string): Promise<KerasFile | Problem> {
  const entries = readZipDirectory(bytes);
  if (entries === undefined)
    return new Problem(
      "E772",
      `${quotePath(name)} is not whole: the list of what it holds, which a .keras file ends with, is not there`,
      "copy or save it again",
    );
  const content = (entry: string): Uint8Array | Problem => {
    const found = entries.find((each) => each.name === entry);
    const read = found === undefined ? undefined : unzipEntry(bytes, found, name);
    return (
      read ?? new Problem("E772", `${quotePath(name)} is no .keras file: it has no ${entry} that can be read`)
    );
  };
  const config = content(CONFIG);
  const text = config instanceof Problem ? config : decodeUtf8(config, name);
  const read = text instanceof Problem ? text : modelOf(text, name);
  if (read instanceof Problem) return read;
  const weights = content(WEIGHTS);
  if (weights instanceof Problem) return weights;
  const { model } = read;
  const found = await readHdf5(weights, name, (file) => kerasWeights(file, model, inFileOrder(read.config)));
  return found instanceof Problem ? found : { model, weights: found };
}

/** The layers in the order of the config, by which the groups of a class are counted. */
function inFileOrder(config: JsonObject): readonly { readonly name: string; readonly kind: string }[] {
  const inner = ownValue(config, "config");
  const layers = isJsonObject(inner) ? ownValue(inner, "layers") : undefined;
  if (!Array.isArray(layers)) return [];
  return (layers as readonly JsonObject[]).map((layer) => {
    const own = layer["config"];
    const name = layer["name"] ?? (isJsonObject(own) ? own["name"] : undefined);
    const kind = layer["class_name"];
    return { name: typeof name === "string" ? name : "", kind: typeof kind === "string" ? kind : "" };
  });
}

async function readLegacy(bytes: Uint8Array, name: string): Promise<KerasFile | Problem> {
  return readHdf5<KerasFile>(bytes, name, (file) => {
    const [text] = file.texts("", "model_config") ?? [];
    if (text === undefined)
      return new Problem(
        "E772",
        `${quotePath(name)} has weights and no model`,
        'save both: `model.save("model.keras")`',
      );
    const read = modelOf(text, name);
    return read instanceof Problem ? read : { model: read.model, weights: legacyWeights(file, read.model) };
  });
}
