import { isJsonObject, ownValue, parseJsonObject } from "./json.ts";
import { Problem, quote, showJson } from "./problem.ts";

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
