import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../checkpoint/json.ts";
import type { Problem } from "../checkpoint/problem.ts";
import { byteTokens } from "./byte-level.ts";
import { bytePairEncoder } from "./byte-pairs.ts";
import { characterTokenizer } from "./characters.ts";
import type { BytePairs, Merge } from "./learn-merges.ts";

/** The ids of a long text; undefined for a text that the library must see. */
export type Encoder = (text: string) => Int32Array | Problem | undefined;

/**
 * An encoder of our own for a `tokenizer.json` of a form that we know to the letter: GPT-2's byte-level byte pairs, or
 * one token a character. It gives the ids that the library gives, only sooner. Undefined for every other form.
 */
export function ownEncoder(file: JsonObject, name: string): Encoder | undefined {
  const pairs = plainPairs(file);
  if (pairs === undefined) return undefined;
  const encoder = isByteLevel(file, pairs) ? bytePairEncoder(pairs) : characterEncoder(file, pairs, name);
  const added = addedTokens(file);
  if (encoder === undefined || added === undefined) return undefined;
  return (text) => (added.some((token) => text.includes(token)) ? undefined : encoder(text));
}

const isNothing = (value: JsonValue | undefined): boolean =>
  value === undefined || value === null || value === false || value === "";

const areNothing = (object: JsonObject, ...keys: readonly string[]): boolean =>
  keys.every((key) => isNothing(ownValue(object, key)));

const objectAt = (object: JsonObject, key: string): JsonObject | undefined => {
  const value = ownValue(object, key);
  return isJsonObject(value) ? value : undefined;
};

/** Vocabulary and merges, if the model is byte-pair encoding without any of the options that change what it does. */
function plainPairs(file: JsonObject): BytePairs | undefined {
  const model = objectAt(file, "model");
  const vocabulary = model === undefined ? undefined : objectAt(model, "vocab");
  const isPlain =
    areNothing(file, "truncation", "padding") &&
    model !== undefined &&
    ownValue(model, "type") === "BPE" &&
    areNothing(model, "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix") &&
    areNothing(model, "byte_fallback", "ignore_merges");
  if (!isPlain || vocabulary === undefined) return undefined;
  const ids = new Map(Object.entries(vocabulary));
  const tokens: string[] = [];
  for (const [token, id] of ids) {
    // As many ids as tokens, so that the list has no holes.
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= ids.size) return undefined;
    tokens[id] = token;
  }
  const merges = mergesOf(ownValue(model, "merges"), ids as ReadonlyMap<string, number>);
  return merges === undefined ? undefined : { tokens, merges };
}

/** `["a", "b"]` as the library writes a merge now, or `"a b"` as it did. */
function mergesOf(
  list: JsonValue | undefined,
  ids: ReadonlyMap<string, number>,
): readonly Merge[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const merges: Merge[] = [];
  for (const item of list as readonly JsonValue[]) {
    const parts: JsonValue = typeof item === "string" ? item.split(" ") : item;
    if (!Array.isArray(parts) || parts.length !== 2) return undefined;
    const [first, second] = parts as readonly JsonValue[] as readonly [string, string];
    const [left, right, id] = [ids.get(first), ids.get(second), ids.get(`${first}${second}`)];
    if (left === undefined || right === undefined || id === undefined) return undefined;
    merges.push({ left, right, id });
  }
  return merges;
}

/** The contents of added tokens, which are found before all else; undefined if one of them is found in a special way. */
function addedTokens(file: JsonObject): readonly string[] | undefined {
  const list = ownValue(file, "added_tokens") ?? [];
  if (!Array.isArray(list)) return undefined;
  const contents = (list as readonly JsonValue[]).map((token) =>
    isJsonObject(token) ? ownValue(token, "content") : undefined,
  );
  return contents.every((content) => typeof content === "string" && content !== "")
    ? (contents as readonly string[])
    : undefined;
}

/** GPT-2's way: no normalizer, bytes as characters, its cut into words, nothing around a text. */
function isByteLevel(file: JsonObject, { tokens }: BytePairs): boolean {
  const cut = objectAt(file, "pre_tokenizer");
  const around = objectAt(file, "post_processor");
  const known = new Set(tokens);
  return (
    cut !== undefined &&
    ownValue(cut, "type") === "ByteLevel" &&
    areNothing(cut, "add_prefix_space") &&
    ownValue(cut, "use_regex") !== false &&
    areNothing(file, "normalizer") &&
    (around === undefined || ownValue(around, "type") === "ByteLevel") &&
    byteTokens.every((token) => known.has(token))
  );
}

/** One token a character, after spellings that replace a text by another. */
function characterEncoder(
  file: JsonObject,
  { tokens, merges }: BytePairs,
  name: string,
): Encoder | undefined {
  const spellings = spellingsOf(ownValue(file, "normalizer"));
  const isCharacters =
    merges.length === 0 &&
    areNothing(file, "pre_tokenizer", "post_processor") &&
    tokens.every((token) => /^.$/su.test(token));
  if (!isCharacters || spellings === undefined) return undefined;
  const { encodeAll } = characterTokenizer(tokens, name);
  return (text) =>
    encodeAll(spellings.reduce((spelt, [found, spelling]) => spelt.replaceAll(found, () => spelling), text));
}

/** What a normalizer replaces, if it does nothing else. */
function spellingsOf(normalizer: JsonValue | undefined): readonly (readonly [string, string])[] | undefined {
  if (isNothing(normalizer)) return [];
  if (!isJsonObject(normalizer)) return undefined;
  if (ownValue(normalizer, "type") === "Replace") {
    const found = objectAt(normalizer, "pattern");
    const text = found === undefined ? undefined : ownValue(found, "String");
    const spelling = ownValue(normalizer, "content");
    return typeof text === "string" && text !== "" && typeof spelling === "string"
      ? [[text, spelling]]
      : undefined;
  }
  const list = ownValue(normalizer, "normalizers");
  if (ownValue(normalizer, "type") !== "Sequence" || !Array.isArray(list)) return undefined;
  const parts = (list as readonly JsonValue[]).map((part) => spellingsOf(part));
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}
