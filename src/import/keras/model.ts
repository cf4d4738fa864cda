import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { Problem, quote } from "../../checkpoint/problem.ts";
import { append } from "../../support/lists.ts";

/** A layer of a Keras model, called once. */
export interface KerasLayer {
  readonly name: string;
  /** Its class: `Dense`. */
  readonly kind: string;
  readonly config: JsonObject;
  /** Names of the layers whose outputs it is called with, in order. */
  readonly inputs: readonly string[];
  /** What else it is called with: `use_causal_mask`. */
  readonly options: JsonObject;
}

/** What a Keras config says of a model: its layers, each behind those that it reads. */
export interface KerasModel {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  readonly outputs: readonly string[];
  /** What it was compiled with, where the file says that. */
  readonly compiled?: JsonObject;
}

/** A part of a config that is no Keras model's; thrown within this file alone. */
class Unread extends Error {}

/** The model of a config as `model.to_json()`, a `.keras` or a `.h5` file has it: Sequential and functional, of Keras 2 and 3. */
export function readKerasModel(config: JsonObject, file: string): KerasModel | Problem {
  try {
    const kind = textOf(config, "class_name");
    const inner = objectOf(config, "config");
    const compiled = ownValue(config, "compile_config");
    const more = isJsonObject(compiled) ? { compiled } : {};
    if (kind === "Sequential") return { ...sequential(inner), ...more };
    if (kind === "Functional" || kind === "Model") return { ...functional(inner), ...more };
    throw new Unread(`it is of class ${quote(kind)}, and what is imported is Sequential or Functional`);
  } catch (error) {
    if (!(error instanceof Unread)) throw error;
    return new Problem(
      "E772",
      `${file}: ${error.message}`,
      'save a Sequential or functional model: `model.save("model.keras")`',
    );
  }
}

function textOf(object: JsonObject, key: string): string {
  const value = ownValue(object, key);
  if (typeof value === "string") return value;
  throw new Unread(`\`${key}\` is missing in the config of a model or layer`);
}

function objectOf(object: JsonObject, key: string): JsonObject {
  const value = ownValue(object, key);
  if (isJsonObject(value)) return value;
  throw new Unread(`\`${key}\` is missing in the config of a model or layer`);
}

const listOf = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : [];

function layersOf(config: JsonObject): readonly JsonObject[] {
  const layers = listOf(ownValue(config, "layers"));
  if (layers.length === 0 || !layers.every(isJsonObject)) throw new Unread("it has no layers");
  return layers;
}

function sequential(config: JsonObject): KerasModel {
  const given = layersOf(config).map((layer) => ({
    kind: textOf(layer, "class_name"),
    config: objectOf(layer, "config"),
  }));
  const shape =
    ownValue(config, "build_input_shape") ?? ownValue(given[0]!.config, "batch_input_shape") ?? null;
  const isWhole = given[0]!.kind === "InputLayer";
  if (!isWhole && !Array.isArray(shape))
    throw new Unread("it was never built: nothing says what its input is");
  const input = { kind: "InputLayer", config: { name: "x", batch_shape: shape } };
  const layers = (isWhole ? given : [input, ...given]).map((layer, index, all): KerasLayer => ({
    ...layer,
    name: textOf(layer.config, "name"),
    inputs: index === 0 ? [] : [textOf(all[index - 1]!.config, "name")],
    options: {},
  }));
  return { name: nameOf(config), layers, outputs: [layers.at(-1)!.name] };
}

function functional(config: JsonObject): KerasModel {
  const layers = layersOf(config).map((layer): KerasLayer => {
    const inner = objectOf(layer, "config");
    const name = typeof layer["name"] === "string" ? layer["name"] : textOf(inner, "name");
    const calls = listOf(ownValue(layer, "inbound_nodes"));
    if (calls.length > 1)
      throw new Unread(
        `the layer ${quote(name)} is called ${calls.length} times, and what is imported is called once`,
      );
    const options = calls.length === 1 && isJsonObject(calls[0]) ? ownValue(calls[0], "kwargs") : undefined;
    return {
      name,
      kind: textOf(layer, "class_name"),
      config: inner,
      inputs: calls.length === 0 ? [] : tensorsIn(calls[0]!),
      options: isJsonObject(options) ? options : {},
    };
  });
  return {
    name: nameOf(config),
    layers: inOrder(layers),
    outputs: outputsOf(ownValue(config, "output_layers")),
  };
}

const nameOf = (config: JsonObject): string =>
  typeof config["name"] === "string" ? config["name"] : "model";

/** The layers that a call names, wherever they stand in it: `keras_history` of Keras 3, `["dense", 0, 0, {}]` of Keras 2. */
function tensorsIn(call: JsonValue): readonly string[] {
  if (Array.isArray(call)) {
    const list = call as readonly JsonValue[];
    const isTensor =
      typeof list[0] === "string" && typeof list[1] === "number" && typeof list[2] === "number";
    return isTensor ? [list[0] as string] : list.flatMap(tensorsIn);
  }
  if (!isJsonObject(call)) return [];
  const history = ownValue(call, "keras_history");
  return history === undefined ? Object.values(call).flatMap(tensorsIn) : tensorsIn(history);
}

/** One output, or a list of them. */
const outputsOf = (value: JsonValue | undefined): readonly string[] => tensorsIn(value ?? null);

/** Each layer behind those that it reads; Keras sorts them by depth. */
function inOrder(layers: readonly KerasLayer[]): readonly KerasLayer[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const sorted = new Set<KerasLayer>();
  const left = [...layers].reverse();
  const open = new Set<KerasLayer>();
  while (left.length > 0) {
    const layer = left.at(-1)!;
    const before = layer.inputs.map((name) => {
      const found = byName.get(name);
      if (found === undefined)
        throw new Unread(`the layer ${quote(layer.name)} reads ${quote(name)}, which it has not`);
      return found;
    });
    const missing = before.filter((each) => !sorted.has(each));
    if (sorted.has(layer) || missing.length === 0) {
      sorted.add(layer);
      left.pop();
    } else if (open.has(layer)) throw new Unread(`the layer ${quote(layer.name)} reads itself`);
    else {
      open.add(layer);
      append(left, missing);
    }
  }
  return [...sorted];
}
