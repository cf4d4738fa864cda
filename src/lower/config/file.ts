import { namePattern } from "../../support/patterns.ts";
import type { Span } from "../../support/source.ts";

/** A value of a config.json. Python also writes `NaN` and `Infinity`. */
export type ConfigValue = string | number | boolean | null | readonly ConfigValue[] | ConfigObject;

export interface ConfigObject {
  readonly [key: string]: ConfigValue;
}

/** A key of the file with its value; parts of nested objects have dotted names. */
export interface Entry {
  readonly key: string;
  readonly value: ConfigValue;
  /** The file has no such key: the value is the one that it then has. */
  readonly isMissing?: true;
}

/** What a config says by what it has not: the keys of a family, and what they are where a file has none of them. */
export interface SilentKeys {
  readonly values: ConfigObject;
  /** Other names under which a file may have a key. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
}

/** A key that says something else than the alternative before it, which the file has too. */
export interface Disagreement {
  /** The parameter, what it became, and the line that reads it. */
  readonly parameter: string;
  readonly taken: string;
  readonly place: Span;
}

/**
 * A published config.json as a model's `config { }` section reads it. It remembers which keys were read, since one that
 * nothing reads may change what the model computes.
 */
export class ConfigFile {
  /** As messages name it. */
  readonly name: string;
  readonly #values: ConfigObject;
  readonly #silent: SilentKeys;
  /** Every key that a line names, whether the file has it or not. */
  readonly #asked = new Set<string>();
  #read = new Set<string>();
  readonly #disagreements = new Map<string, Disagreement>();

  constructor(name: string, values: ConfigObject, silent: SilentKeys = { values: {} }) {
    this.name = name;
    this.#values = values;
    this.#silent = silent;
  }

  /** The value of a key, dots and all, also of one that the file has not; undefined if it then has none. It counts as named, not as read. */
  lookUp(key: string): ConfigValue | undefined {
    this.#asked.add(key);
    const value = valueAt(this.#values, key);
    return value === undefined ? this.#whenMissing(key) : value;
  }

  /** Whether the file itself has a key. */
  has(key: string): boolean {
    return valueAt(this.#values, key) !== undefined;
  }

  #whenMissing(key: string): ConfigValue | undefined {
    const top = key.split(".", 1)[0]!;
    const { values, names = {} } = this.#silent;
    const isSaid = [top, ...(names[top] ?? [])].some((name) => Object.hasOwn(this.#values, name));
    return isSaid ? undefined : valueAt(values, key);
  }

  markRead(keys: Iterable<string>): void {
    for (const key of keys) this.#read.add(key);
  }

  /** What some work gives, and the keys that it read; they count only if somebody marks them. */
  try<Result>(work: () => Result): { readonly result: Result; readonly keys: ReadonlySet<string> } {
    const before = this.#read;
    const keys = new Set<string>();
    this.#read = keys;
    const result = work();
    this.#read = before;
    return { result, keys };
  }

  /** Another spelling of what a parameter took from elsewhere says something else. */
  markDisagreeing(keys: Iterable<string>, disagreement: Disagreement): void {
    for (const key of keys) if (!this.#disagreements.has(key)) this.#disagreements.set(key, disagreement);
  }

  /**
   * What nothing has read, and `passes` does not let through. An object of which no line names a part is one entry; a null
   * in the place of one whose parts are named says that there are none.
   */
  unread(passes: (entry: Entry) => boolean): readonly (Entry & { readonly disagreement?: Disagreement })[] {
    const walk = (object: ConfigObject, prefix: string): Entry[] =>
      Object.entries(object).flatMap(([part, value]) => {
        // A name with a dot in it is the name of no part.
        const key = prefix + part.replaceAll(".", String.raw`\.`);
        if (this.#read.has(key) || passes({ key, value })) return [];
        const hasNamedParts = [...this.#asked].some((asked) => asked.startsWith(`${key}.`));
        if (value === null && hasNamedParts) return [];
        if (!isConfigObject(value)) return [{ key, value }];
        if (hasNamedParts) return walk(value, `${key}.`);
        return Object.keys(value).length === 0 ? [] : [{ key, value }];
      });
    return walk(this.#values, "").map((entry) => {
      const disagreement = this.#disagreements.get(entry.key);
      return disagreement === undefined ? entry : { ...entry, disagreement };
    });
  }
}

/** The value of a key, dots and all; undefined if there is none. */
function valueAt(values: ConfigObject, key: string): ConfigValue | undefined {
  let value: ConfigValue | undefined = values;
  for (const part of key.split(".")) {
    if (!isConfigObject(value)) return undefined;
    value = Object.hasOwn(value, part) ? value[part] : undefined;
  }
  return value;
}

export const isConfigObject = (value: ConfigValue | undefined): value is ConfigObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The values without the keys that the patterns name (`*` stands for any part of a name), and what was left out. */
export function withoutKeys(
  values: ConfigObject,
  patterns: readonly string[],
): { readonly values: ConfigObject; readonly left: readonly Entry[]; readonly unused: readonly string[] } {
  const rules = patterns.map((pattern) => ({
    pattern,
    parts: pattern.split(".").map(namePattern),
    used: false,
  }));
  const left: Entry[] = [];
  const walk = (object: ConfigObject, path: readonly string[]): ConfigObject => {
    const kept = Object.entries(object).flatMap(([part, value]): [string, ConfigValue][] => {
      const here = [...path, part];
      const begun = rules.filter(({ parts }) => here.every((name, at) => parts[at]?.test(name) === true));
      const whole = begun.filter(({ parts }) => parts.length === here.length);
      for (const rule of whole) rule.used = true;
      if (whole.length === 0)
        return [[part, begun.length > 0 && isConfigObject(value) ? walk(value, here) : value]];
      left.push({ key: here.join("."), value });
      return [];
    });
    return Object.fromEntries(kept);
  };
  const kept = walk(values, []);
  return { values: kept, left, unused: rules.filter(({ used }) => !used).map(({ pattern }) => pattern) };
}

/** Longest value that a message repeats, in UTF-16 code units. */
const MAX_SHOWN = 60;

/** Longest list that a message repeats. */
const MAX_ITEMS = 8;

/** A value as a message shows it: short, whatever its size. */
export function showValue(value: ConfigValue): string {
  if (typeof value === "string") return cut(JSON.stringify(value));
  if (typeof value !== "object" || value === null) return String(value);
  if (isConfigObject(value)) return "an object";
  const items = value.slice(0, MAX_ITEMS).map(showValue);
  return cut(`[${[...items, ...(items.length < value.length ? ["…"] : [])].join(", ")}]`);
}

const cut = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
