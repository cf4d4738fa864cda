import { none, number, bool, type Meaning } from "../../values/meaning.ts";
import { isConfigObject, type ConfigObject, type ConfigValue } from "../file.ts";
import { meaningOf } from "../settings.ts";

/** What the keys of a config.json that is being written say, by their names, dots and all. */
export type Keys = ReadonlyMap<string, Meaning>;

/** The keys with one more; undefined where it says something else already, or where a config has no value for it. */
export function withKey(keys: Keys, key: string, value: Meaning): Keys | undefined {
  if (valueOf(value) === undefined) return undefined;
  const there = keys.get(key);
  if (there !== undefined) return sameValue(there, value) ? keys : undefined;
  const parts = key.split(".");
  const isPart = parts.some((_, index) => index > 0 && keys.has(parts.slice(0, index).join(".")));
  const hasParts = [...keys.keys()].some((other) => other.startsWith(`${key}.`));
  return isPart || hasParts ? undefined : new Map([...keys, [key, value]]);
}

/** A value that is known before a model runs, as JSON has it; undefined for what it has not. */
function valueOf(meaning: Meaning): ConfigValue | undefined {
  switch (meaning.kind) {
    case "number":
    case "bool":
    case "text":
    case "word":
      return meaning.value;
    case "none":
      return null;
    case "list": {
      const items = meaning.items.map(valueOf);
      return items.every((item) => item !== undefined) ? items : undefined;
    }
    default:
      return undefined;
  }
}

/** A config as it is written: the numbers of some keys are floats, which Python tells from whole numbers by their point. */
export interface WrittenConfig {
  readonly config: ConfigObject;
  /** Keys, dots and all, whose numbers are floats. */
  readonly floats: ReadonlySet<string>;
}

/** The keys as one object, in the order of their names. */
export function configOf(keys: Keys): WrittenConfig {
  const config: Record<string, ConfigValue> = {};
  const floats = new Set<string>();
  for (const [key, meaning] of [...keys].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const parts = key.split(".");
    const last = parts.pop()!;
    let place = config;
    for (const part of parts) place = (place[part] ??= {}) as Record<string, ConfigValue>;
    place[last] = valueOf(meaning)!;
    if (isFloat(meaning)) floats.add(key);
  }
  return { config, floats };
}

const isFloat = (meaning: Meaning): boolean =>
  meaning.kind === "list" ? meaning.items.some(isFloat) : meaning.kind === "number" && meaning.float;

/** The keys of a config that was read; those in `floats` are floats, whatever their numbers are. */
export function keysOfConfig(config: ConfigObject, floats: ReadonlySet<string> = new Set()): Keys {
  const keys = new Map<string, Meaning>();
  const walk = (object: ConfigObject, prefix: string): void => {
    for (const [part, value] of Object.entries(object)) {
      const key = prefix + part;
      if (isConfigObject(value) && Object.keys(value).length > 0) {
        walk(value, `${key}.`);
        continue;
      }
      const meaning = meaningOf(value);
      if (meaning !== undefined) keys.set(key, floats.has(key) ? asFloats(meaning) : meaning);
    }
  };
  walk(config, "");
  return keys;
}

const asFloats = (meaning: Meaning): Meaning =>
  meaning.kind === "list"
    ? { kind: "list", items: meaning.items.map(asFloats) }
    : meaning.kind === "number"
      ? { ...meaning, float: true }
      : meaning;

/** Whether two values are one for a config: words are texts there, and 1 is 1.0. */
export function sameValue(a: Meaning, b: Meaning): boolean {
  const [left, right] = [valueOf(a), valueOf(b)];
  return left !== undefined && right !== undefined && JSON.stringify(left) === JSON.stringify(right);
}

/** A value of JSON, where a key has one. */
export const keyValue = (value: string | number | boolean | null): Meaning =>
  value === null
    ? none
    : typeof value === "string"
      ? { kind: "text", value }
      : typeof value === "number"
        ? number(value)
        : bool(value);
