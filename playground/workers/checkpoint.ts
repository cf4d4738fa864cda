import { decodeUtf8, parseJsonObject, type JsonObject } from "../../src/checkpoint/json.ts";
import { publishedModel } from "../../src/checkpoint/gguf/model.ts";
import { isLaterPart, joinParts, partNames } from "../../src/checkpoint/gguf/split.ts";
import { places, tooLarge, type Place } from "../../src/checkpoint/places.ts";
import { orThrow, Problem, ProblemError, quotePath } from "../../src/checkpoint/problem.ts";
import { addTensors, rangedGguf, type RangedFile } from "../../src/checkpoint/ranged.ts";
import { absentOf, parseShardIndex } from "../../src/checkpoint/shards.ts";
import type { CheckpointTensor } from "../../src/checkpoint/tensors.ts";
import { findTokenizer, tokenizerFiles } from "../../src/run/tokenizer.ts";
import type { OpenedCheckpoint } from "../../src/run/weights.ts";
import { ggufTokenizer } from "../../src/text/gguf/tokenizer.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";

/** A published checkpoint: its weights, what its config.json says, and its tokenizer if it has one. */
export interface PublishedCheckpoint extends OpenedCheckpoint {
  readonly config: JsonObject;
  readonly tokenizer: Tokenizer | undefined;
}

type Files = ReadonlyMap<string, RangedFile>;

/**
 * Opens the files of a checkpoint that a page was given: a GGUF file with its parts; or a `config.json`, a tokenizer, and weights in one
 * safetensors file or in shards with their index. Headers are read, tensors when they are asked for: files may be larger than the memory of
 * a page. Throws a `ProblemError`.
 */
export function openGiven(given: readonly File[]): PublishedCheckpoint {
  const files = new Map(given.map((file) => [file.name, rangesOf(file)]));
  const names = [...files.keys()];
  if (names.some((name) => name.endsWith(".safetensors"))) return openFolder(files);
  const [gguf, another] = names.filter((name) => /\.gguf$/i.test(name) && !isLaterPart(name));
  if (gguf === undefined) return openFolder(files);
  if (another === undefined) return openGguf(files, gguf);
  const message = `${quotePath(gguf)} and ${quotePath(another)} are two models`;
  throw new ProblemError([new Problem("E700", message, "give one of them")]);
}

/** A worker may wait for a range of a file, so what asks for it need not. */
function rangesOf(file: File): RangedFile {
  const reader = new FileReaderSync();
  const { name, size } = file;
  const read = (start: number, end: number): Uint8Array => {
    try {
      return new Uint8Array(reader.readAsArrayBuffer(file.slice(start, end)));
    } catch {
      const message = `cannot read ${quotePath(name)}: it was changed or taken away since it was chosen`;
      throw new ProblemError([new Problem("E700", message, "choose it again")]);
    }
  };
  return { name, size, read, readBriefly: read };
}

function fileOf(files: Files, name: string): RangedFile {
  const found = files.get(name);
  if (found !== undefined) return found;
  const message = `${quotePath(name)} is not among the files that were given`;
  const help =
    "give all files of a checkpoint at once, or its folder: config.json, tokenizer.json and its .safetensors; or a GGUF file";
  throw new ProblemError([new Problem("E700", message, help)]);
}

function openGguf(files: Files, first: string): PublishedCheckpoint {
  const names = partNames(first);
  const parts = names.map((name) => orThrow(rangedGguf(fileOf(files, name))));
  const whole = orThrow(joinParts(parts, names));
  const { tensors, config } = orThrow(publishedModel(whole, first));
  const tokenizer = orThrow(ggufTokenizer(whole.metadata, first)) ?? tokenizerAmong(files);
  return { name: first, tensors, config, tokenizer, close: () => undefined };
}

function openFolder(files: Files): PublishedCheckpoint {
  const config = jsonIn(fileOf(files, "config.json"), places.json);
  return { ...openSafetensors(files), config, tokenizer: tokenizerAmong(files) };
}

const tokenizerAmong = (files: Files): Tokenizer | undefined =>
  orThrow(
    findTokenizer((name) =>
      jsonOf(files, name, tokenizerFiles.includes(name) ? places.tokenizer : places.json),
    ),
  );

const WHOLE = "model.safetensors";

function openSafetensors(files: Files): OpenedCheckpoint {
  const names = [...files.keys()];
  const index = names.find((name) => name.endsWith(".safetensors.index.json"));
  const tensors = new Map<string, CheckpointTensor>();
  const add = (file: RangedFile, place: Place): void => {
    const problem = addTensors(file, place, tensors);
    if (problem !== undefined) throw new ProblemError([problem]);
  };
  if (files.has(WHOLE) || index === undefined) {
    const [only = WHOLE, ...others] = names.filter((name) => name.endsWith(".safetensors"));
    const name = others.length === 0 ? only : WHOLE;
    add(fileOf(files, name), places.weights);
    return { name, tensors, close: () => undefined };
  }
  const shards = orThrow(parseShardIndex(textOf(files.get(index)!, places.index), index));
  for (const name of new Set(shards.values())) add(fileOf(files, name), places.shard);
  const absent = absentOf(shards, tensors, index);
  if (absent !== undefined) throw new ProblemError([absent]);
  return { name: index, tensors, close: () => undefined };
}

function textOf({ name, size, read }: RangedFile, place: Place): string {
  if (size > place.bytes) throw new ProblemError([tooLarge(name, size, place)]);
  return orThrow(decodeUtf8(read(0, size), name));
}

const jsonIn = (file: RangedFile, place: Place): JsonObject =>
  orThrow(parseJsonObject(textOf(file, place), file.name));

function jsonOf(files: Files, name: string, place: Place): JsonObject | undefined {
  const file = files.get(name);
  return file && jsonIn(file, place);
}
