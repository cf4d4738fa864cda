import { decodeUtf8, type JsonObject } from "./json.ts";
import { Problem } from "./problem.ts";
import { parsePythonObject } from "./python.ts";

/** A published config.json, for the `config { }` section of a model; Python's json writes them. */
export function readConfig(bytes: Uint8Array, name: string): JsonObject | Problem {
  const text = decodeUtf8(bytes, name);
  return text instanceof Problem ? text : parsePythonObject(text, name);
}

/**
 * The tokens at which generation stops: `eos_token_id` of generation_config.json, else of config.json; a number, or a
 * list as newer models have it.
 */
export function stopTokens(...configs: readonly (JsonObject | undefined)[]): ReadonlySet<number> {
  for (const config of configs) {
    const value =
      config !== undefined && Object.hasOwn(config, "eos_token_id") ? config["eos_token_id"] : undefined;
    const ids = (Array.isArray(value) ? value : [value]).filter((id) => Number.isSafeInteger(id)) as number[];
    if (ids.length > 0) return new Set(ids);
  }
  return new Set();
}
