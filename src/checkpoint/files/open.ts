import { closeSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { misplaced, places, type Place } from "../places.ts";
import type { CheckpointTensor } from "../match.ts";
import { publishedModel } from "../gguf/model.ts";
import { Problem, quote, quotePath } from "../problem.ts";
import { addTensors } from "../ranged.ts";
import { absentOf, missingShard, parseShardIndex, shardsWithoutIndex } from "../shards.ts";
import { findGguf, openGguf } from "./gguf.ts";
import { openRegular, rangedFile, readText, startOf } from "./read.ts";
import { kindOfPath } from "./system.ts";

/** A checkpoint on disk: headers are read, tensors when they are asked for. `close` it. */
export interface Checkpoint {
  readonly name: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly close: () => void;
}

/**
 * Opens a .safetensors file, a `….safetensors.index.json`, a GGUF file with its parts, or a folder that has
 * `model.safetensors`, an index of shards, or one GGUF file.
 */
export function openCheckpoint(path: string): Checkpoint | Problem {
  const gguf = findGguf(path);
  if (gguf !== undefined) return openPublished(gguf);
  if (kindOfPath(path) !== "folder")
    return path.endsWith(".index.json") ? openShards(path) : openFiles(path, [path], places.weights);
  const single = join(path, "model.safetensors");
  const index = join(path, "model.safetensors.index.json");
  if (kindOfPath(single) === "file") return openFiles(single, [single], places.weights);
  if (kindOfPath(index) === "file") return openShards(index);
  return otherWeights(path);
}

/** A GGUF file by the published names of its tensors, and with their values. */
function openPublished(path: string): Checkpoint | Problem {
  const file = openGguf(path);
  if (file instanceof Problem) return file;
  const { name, close } = file;
  const model = publishedModel(file, name);
  if (!(model instanceof Problem)) return { name, tensors: model.tensors, close };
  close();
  return model;
}

/** Why a folder is no checkpoint: it has weights of another format, under another name, or without their index, or none. */
function otherWeights(folder: string): Problem {
  const files = listFiles(folder);
  const named = files.filter((file) => file.endsWith(".safetensors"));
  const shards = shardsWithoutIndex(named, folder);
  if (shards !== undefined) return shards;
  const others = named.length > 0 ? [] : files.filter((file) => weightEndings.test(file));
  for (const file of others.slice(0, MOST_LOOKED_AT)) {
    const path = join(folder, file);
    const opened = openRegular(path);
    if (opened instanceof Problem) continue;
    const problem = misplaced(startOf(opened.file), places.weights, path);
    closeSync(opened.file);
    if (problem !== undefined) return problem;
  }
  return new Problem(
    "E700",
    `${quotePath(folder)} has neither model.safetensors nor model.safetensors.index.json`,
    `name the file: --weights FOLDER/${named.length === 1 ? quote(named[0]!).slice(1, -1) : "FILE.safetensors"}`,
  );
}

/** How files of weights end that are not safetensors; what they are, their bytes say. */
const weightEndings = /\.(bin|ckpt|gguf|ggml|h5|hdf5|keras|npz|onnx|pkl|pt|pth|tflite)$/i;

const MOST_LOOKED_AT = 8;

function listFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function openShards(path: string): Checkpoint | Problem {
  const text = readText(path, places.index);
  if (text instanceof Problem) return text;
  const shards = parseShardIndex(text, path);
  if (shards instanceof Problem) return shards;
  const folder = dirname(path);
  const files = [...new Set(shards.values())];
  const missing = files.find((file) => kindOfPath(join(folder, file)) === undefined);
  if (missing !== undefined) return missingShard(shards, missing, path, join(folder, missing));
  const checkpoint = openFiles(
    path,
    files.map((file) => join(folder, file)),
    places.shard,
  );
  if (checkpoint instanceof Problem) return checkpoint;
  const absent = absentOf(shards, checkpoint.tensors, path);
  if (absent !== undefined) checkpoint.close();
  return absent ?? checkpoint;
}

function openFiles(name: string, paths: readonly string[], place: Place): Checkpoint | Problem {
  const files: number[] = [];
  const tensors = new Map<string, CheckpointTensor>();
  const close = (): void => files.forEach((file) => closeSync(file));
  for (const path of paths) {
    const problem = addFile(path, place, files, tensors);
    if (problem !== undefined) {
      close();
      return problem;
    }
  }
  return { name, tensors, close };
}

function addFile(
  path: string,
  place: Place,
  files: number[],
  tensors: Map<string, CheckpointTensor>,
): Problem | undefined {
  const opened = openRegular(path);
  if (opened instanceof Problem) return opened;
  files.push(opened.file);
  return addTensors(rangedFile(opened, path), place, tensors);
}
