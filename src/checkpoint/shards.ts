import { plural } from "../support/text.ts";
import { isJsonObject, ownValue, parseJsonObject } from "./json.ts";
import { Problem, quote, quotePath, showJson } from "./problem.ts";

/**
 * Reads a `model.safetensors.index.json`: which file of the folder holds each tensor. File names must be plain names:
 * a checkpoint may not make us read elsewhere.
 */
export function parseShardIndex(text: string, name: string): ReadonlyMap<string, string> | Problem {
  const index = parseJsonObject(text, name);
  if (index instanceof Problem) return index;
  const map = ownValue(index, "weight_map");
  if (!isJsonObject(map))
    return new Problem("E709", `${name}: expected an object \`weight_map\`, found ${showJson(map)}`);
  const files = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    if (typeof file !== "string" || !/^[^/\\\p{Cc}]+\.safetensors$/u.test(file))
      return new Problem(
        "E709",
        `${name}: ${quote(tensor)} must name a .safetensors file of the same folder, found ${showJson(file)}`,
      );
    files.set(tensor, file);
  }
  return files;
}

/** That a tensor is not in the file where the index has it, if one is not. */
export function absentOf(
  shards: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, unknown>,
  name: string,
): Problem | undefined {
  const absent = [...shards.keys()].find((tensor) => !tensors.has(tensor));
  if (absent === undefined) return undefined;
  return new Problem("E709", `${name}: ${quote(absent)} is not in ${quote(shards.get(absent) ?? "")}`);
}

/** That a file which an index names is not there, of whose tensors it says some. */
export function missingShard(
  shards: ReadonlyMap<string, string>,
  file: string,
  index: string,
  path: string,
): Problem {
  const tensors = [...shards].flatMap(([tensor, of]) => (of === file ? [tensor] : []));
  return new Problem(
    "E700",
    `cannot read ${quotePath(path)}: there is no such file, and by ${quotePath(index)} it has ` +
      `${plural(tensors.length, "tensor")} of the checkpoint, ${quote(tensors[0]!)}${tensors.length > 1 ? " first" : ""}`,
    `fetch ${quote(file)} again, and put it beside the index`,
  );
}

/** `model-00001-of-00002.safetensors`, as shards are called. */
const shardName = /-\d{5,}-of-\d{5,}\.safetensors$/;

/** That a folder has shards and no index of them; undefined if it has none. */
export function shardsWithoutIndex(files: readonly string[], folder: string): Problem | undefined {
  const shards = files.filter((file) => shardName.test(file));
  if (shards.length === 0) return undefined;
  return new Problem(
    "E700",
    `${quotePath(folder)} has ${plural(shards.length, "shard")} of a checkpoint, ${quote(shards[0]!)}` +
      `${shards.length > 1 ? " first" : ""}, and no model.safetensors.index.json, which says what each shard has`,
    "fetch model.safetensors.index.json from where the shards are from, and put it beside them",
  );
}
