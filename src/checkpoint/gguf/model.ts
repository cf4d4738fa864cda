import { listWords } from "../../support/text.ts";
import type { JsonObject } from "../json.ts";
import type { CheckpointTensor } from "../match.ts";
import { Problem, ProblemError, quote, showSizes } from "../problem.ts";
import { toFloat32 } from "../stored.ts";
import type { Architecture, FileTensors, Join } from "./architectures/architecture.ts";
import { rotaryTensors } from "./architectures/rope.ts";
import { architectures } from "./architectures/table.ts";
import { ModelKeys } from "./keys.ts";
import type { Gguf } from "./tensors.ts";

/** A GGUF file as the checkpoint that it was made of: published names, values and config. */
export interface GgufModel {
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /** The config.json, as far as it says what is computed. */
  readonly config: JsonObject;
}

/**
 * What the file was made of, by the table of its `general.architecture`: names as published, values as they were, and the
 * config with what llama.cpp knows of the family and the file does not say. An architecture without a table is refused.
 */
export function publishedModel(file: Gguf, name: string): GgufModel | Problem {
  try {
    const known = file.metadata.get("general.architecture");
    const architecture =
      typeof known === "string" && Object.hasOwn(architectures, known) ? architectures[known]! : undefined;
    if (architecture === undefined) return unknownArchitecture(known, name);
    const keys = new ModelKeys(file.metadata, known as string, name);
    const config = architecture.config(keys, fileTensors(file, keys));
    const tensors = publishedTensors(file, architecture, keys);
    keys.requireAllRead();
    return { tensors, config };
  } catch (error) {
    if (error instanceof ProblemError) return error.problems[0]!;
    throw error;
  }
}

function unknownArchitecture(found: unknown, name: string): Problem {
  const says = typeof found === "string" ? `is ${quote(found)}` : "is missing";
  return new Problem(
    "E735",
    `${name}: \`general.architecture\` ${says}; those that are read are ${listWords(Object.keys(architectures))}`,
    "take the safetensors of the model that the file was made of",
  );
}

const fileTensors = ({ tensors }: Gguf, keys: ModelKeys): FileTensors => {
  const find = (name: string): CheckpointTensor =>
    tensors.get(name) ??
    keys.refuse(`${quote(keys.architecture)} has a tensor ${quote(name)}, and the file has none`);
  return {
    has: (name) => tensors.has(name),
    shape: (name) => find(name).shape,
    values: (name) => toFloat32(find(name).read()),
  };
};

function publishedTensors(
  { tensors }: Gguf,
  architecture: Architecture,
  keys: ModelKeys,
): ReadonlyMap<string, CheckpointTensor> {
  const published = new Map<string, CheckpointTensor>();
  const put = (name: string, tensor: CheckpointTensor): void => {
    if (published.has(name)) keys.refuse(`two tensors are ${quote(name)}`);
    published.set(name, tensor);
  };
  for (const [name, tensor] of tensors) {
    if (rotaryTensors.includes(name)) continue;
    const [, layer = ""] = /^blk\.(\d+)\./.exec(name) ?? [];
    const known = layer === "" ? name : name.replace(layer, "*");
    const join = architecture.joins?.find(({ parts }) => parts.includes(known));
    if (join === undefined) put(...publishedTensor(known, name, tensor, layer, architecture, keys));
    else if (join.parts[0] === known)
      put(join.to.replace("*", layer), joined(join, layer, { tensors }, keys));
  }
  return published;
}

function publishedTensor(
  known: string,
  name: string,
  tensor: CheckpointTensor,
  layer: string,
  { names, changes }: Architecture,
  keys: ModelKeys,
): [name: string, tensor: CheckpointTensor] {
  const [, base = "", suffix = ""] = /^(.+)(\.(?:weight|bias))$/.exec(known) ?? [];
  const [key, ending] = Object.hasOwn(names, known) ? [known, ""] : [base, suffix];
  // What no table knows keeps its name: the model has no such tensor, and says so.
  if (!Object.hasOwn(names, key)) return [name, tensor];
  return [names[key]!.replace("*", layer) + ending, changes?.(keys, key)?.(tensor) ?? tensor];
}

function joined(
  { parts, to, join }: Join,
  layer: string,
  { tensors }: Pick<Gguf, "tensors">,
  keys: ModelKeys,
): CheckpointTensor {
  const found = parts.map((part) => {
    const name = part.replace("*", layer);
    return (
      tensors.get(name) ??
      keys.refuse(`${quote(to.replace("*", layer))} has a part ${quote(name)}, and the file has none`)
    );
  });
  return (
    join(found) ??
    keys.refuse(
      `the parts of ${quote(to.replace("*", layer))} do not fit together: ${listWords(found.map(({ shape }) => showSizes(shape)))}`,
    )
  );
}
