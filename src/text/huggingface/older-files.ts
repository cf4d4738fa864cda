import { isJsonObject, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { specialTokenKeys } from "./config-tokens.ts";

/** What older folders say in files of their own. */
export interface OlderFiles {
  /** `special_tokens_map.json`: special tokens by name. */
  readonly specialTokensMap?: JsonObject | undefined;
  /** `added_tokens.json`: ids by token. */
  readonly addedTokens?: JsonObject | undefined;
}

/**
 * A tokenizer_config.json with what older files beside it say, as transformers 5 merges them: not at all where the config
 * lists its added tokens itself (`PreTrainedTokenizerBase._from_pretrained`).
 */
export function withOlderFiles(
  config: JsonObject,
  { specialTokensMap = {}, addedTokens }: OlderFiles,
  file: JsonObject,
): JsonObject {
  if (config["added_tokens_decoder"] !== undefined) return config;
  const merged = { ...config, ...specialTokensMap };
  const [said, more] = [
    listOf(config["extra_special_tokens"]),
    listOf(specialTokensMap["extra_special_tokens"]),
  ];
  if (more.length > 0)
    merged["extra_special_tokens"] = [...said, ...more.filter((token) => !said.includes(token))];
  if (addedTokens === undefined) return merged;
  return { ...merged, added_tokens_decoder: decoderOf(addedTokens, specialsOf(merged), file) };
}

const listOf = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : [];

/** The name of an id among the members of a list by ids; what is no number makes none, which the reader says. */
const idKey = (id: JsonValue | undefined): string =>
  typeof id === "number" ? String(id) : JSON.stringify(id);

/** The texts of the special tokens of a config. */
function specialsOf(config: JsonObject): ReadonlySet<unknown> {
  const named = specialTokenKeys.map((key) => config[key]);
  return new Set(
    [...named, ...listOf(config["extra_special_tokens"])].map((value) =>
      isJsonObject(value) ? value["content"] : value,
    ),
  );
}

/** Tokens by id as a config lists them; the tokenizer.json's own tokens stand before those of the older file. */
function decoderOf(addedTokens: JsonObject, special: ReadonlySet<unknown>, file: JsonObject): JsonObject {
  const older = Object.entries(addedTokens).map(([content, id]) => {
    const isSpecial = special.has(content);
    return [idKey(id), { content, normalized: !isSpecial, special: isSpecial }] as const;
  });
  const inFile = listOf(file["added_tokens"]).filter(isJsonObject);
  return Object.fromEntries([...older, ...inFile.map(({ id, ...token }) => [idKey(id), token] as const)]);
}
