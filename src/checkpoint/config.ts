import { decodeUtf8, isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { Problem } from "./problem.ts";
import { parsePythonObject } from "./python.ts";

/** A published config.json, for the `config { }` section of a model; Python's json writes them. */
export function readConfig(bytes: Uint8Array, name: string): JsonObject | Problem {
  const text = decodeUtf8(bytes, name);
  return text instanceof Problem ? text : parsePythonObject(text, name);
}

/** In the place of a number with a point or an exponent, while the keys of such are looked for. */
const FLOAT = "\u0000";

/**
 * The keys of a config.json, dots and all, whose numbers are floats: JSON has one kind of number, but transformers checks which of
 * Python's two a key has. Empty for a text that is no object.
 */
export function floatKeys(text: string): ReadonlySet<string> {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs, (token) =>
    !token.startsWith('"') && /[.eE]/.test(token) ? JSON.stringify(FLOAT) : token,
  );
  const keys = new Set<string>();
  const walk = (value: JsonValue, key: string): void => {
    if (value === FLOAT) keys.add(key);
    else if (Array.isArray(value)) for (const item of value as readonly JsonValue[]) walk(item, key);
    else if (isJsonObject(value))
      for (const [part, inner] of Object.entries(value)) walk(inner, key === "" ? part : `${key}.${part}`);
  };
  const parsed = parsePythonObject(marked, "config.json");
  if (!(parsed instanceof Problem)) walk(parsed, "");
  return keys;
}

/** A config.json as Python reads it: numbers of the keys in `floats` have a point, also where they are whole. */
export function configText(config: JsonObject, floats: ReadonlySet<string>): string {
  const print = (value: JsonValue, key: string, indent: string): string => {
    if (typeof value === "number") return showNumber(value, floats.has(key));
    if (Array.isArray(value))
      return `[${(value as readonly JsonValue[]).map((item) => print(item, key, indent)).join(", ")}]`;
    if (!isJsonObject(value)) return JSON.stringify(value);
    const inner = `${indent}  `;
    const lines = Object.entries(value).map(
      ([part, each]) =>
        `${inner}${JSON.stringify(part)}: ${print(each, key === "" ? part : `${key}.${part}`, inner)}`,
    );
    return lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n${indent}}`;
  };
  return `${print(config, "", "")}\n`;
}

/** Python's json has constants for what is no number, and JavaScript writes large numbers without a point. */
function showNumber(value: number, isFloat: boolean): string {
  const text = String(value);
  return isFloat && /^-?\d+$/.test(text) ? `${text}.0` : text;
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
