import { listWords } from "../../support/text.ts";
import type { JsonObject } from "../json.ts";
import type { CheckpointTensor } from "../match.ts";
import { Problem, ProblemError, quote } from "../problem.ts";
import { toFloat32 } from "../stored.ts";
import type { Architecture, FileTensors } from "./architectures/architecture.ts";
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
  { names, changes }: Architecture,
  keys: ModelKeys,
): ReadonlyMap<string, CheckpointTensor> {
  const published = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of tensors) {
    if (rotaryTensors.includes(name)) continue;
    const [, layer, base, suffix] = /^(?:blk\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? [];
    const known = base === undefined ? "" : layer === undefined ? base : `blk.*.${base}`;
    const target = Object.hasOwn(names, known) ? names[known] : undefined;
    // What no table knows keeps its name: the model has no such tensor, and says so.
    const to = target === undefined ? name : `${target.replace("*", layer ?? "")}.${suffix!}`;
    if (published.has(to)) keys.refuse(`two tensors are ${quote(to)}`);
    published.set(to, (target === undefined ? undefined : changes?.(keys, known))?.(tensor) ?? tensor);
  }
  return published;
}
