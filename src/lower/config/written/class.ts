import { silentKeys } from "../../../families/defaults.ts";
import { number, type Meaning } from "../../values/meaning.ts";
import { keyValue, type Keys } from "./keys.ts";

/* What the class of a `model_type` in transformers takes of a config that is written; a family without a class takes all. */

/** The names that a key may have in a file, the class's own first: those of parts of an object are the object's. */
function namesOf(family: string, key: string): readonly string[] {
  const name = key.split(".", 1)[0]!;
  const [own] = Object.entries(silentKeys(family)?.names ?? {}).find(([, others]) =>
    others.includes(name),
  ) ?? [name];
  return [...new Set([own, name])];
}

/** Whether a class has a key that a model's section reads; other keys of a file it passes over. */
export function classHas(family: string, key: string): boolean {
  const known = silentKeys(family);
  return known === undefined || namesOf(family, key).some((name) => Object.hasOwn(known.values, name));
}

/** The keys with their numbers of the kind, of Python's two, that the class checks for; parts of objects are not checked. */
export const asOfClass = (family: string, keys: Keys): Keys =>
  new Map([...keys].map(([key, value]) => [key, ofKind(value, kindOf(family, key))]));

function kindOf(family: string, key: string): "float" | "integer" | undefined {
  const { values = {}, floats = [], integers = [] } = silentKeys(family) ?? {};
  for (const name of namesOf(family, key)) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (floats.includes(name)) return "float";
    if (integers.includes(name)) return "integer";
    if (typeof value === "number") return Number.isInteger(value) ? "integer" : "float";
  }
  return undefined;
}

const ofKind = (value: Meaning, kind: "float" | "integer" | undefined): Meaning =>
  kind !== undefined && value.kind === "number" && Number.isInteger(value.value)
    ? number(value.value, kind === "float")
    : value;

/**
 * In the place of a token that a class must have. No token has this id; PyTorch takes it for the last row of a table of embeddings,
 * where any number beyond the vocabulary would be refused.
 */
const NO_TOKEN = -1;

/** A key that no section reads, as the class takes it: some ids of tokens can't be null. */
export const extraOfClass = (family: string, key: string, value: string | number | boolean | null): Meaning =>
  keyValue(value === null && silentKeys(family)?.tokens?.includes(key) === true ? NO_TOKEN : value);
