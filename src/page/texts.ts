import { stopTokens } from "../checkpoint/config.ts";
import type { Metadata, MetadataValue } from "../checkpoint/gguf/metadata.ts";
import { TextList } from "../checkpoint/gguf/text-list.ts";
import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../checkpoint/json.ts";
import { orThrow } from "../checkpoint/problem.ts";
import { findTokenizer } from "../run/tokenizer.ts";
import type { GenerateOptions } from "../session/generate.ts";
import { chatTemplate, type ChatTemplate } from "../text/chat.ts";
import { ggufChat } from "../text/gguf/chat.ts";
import { ggufTokenizer } from "../text/gguf/tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { CHAT_TEMPLATE, GENERATION_CONFIG, GGUF_TOKENIZER } from "./manifest.ts";

/** What the files of a folder say of texts, by their names. */
export type TextFiles = ReadonlyMap<string, string>;

/** The JSON object of a file; undefined if there is none. */
function jsonOf(files: TextFiles, name: string): JsonObject | undefined {
  const text = files.get(name);
  if (text === undefined) return undefined;
  const value = JSON.parse(text) as JsonValue;
  if (isJsonObject(value)) return value;
  throw new Error(`${name}: expected a JSON object`);
}

/** The tokenizer of a folder; what is wrong with its files is thrown. */
export function tokenizerOf(files: TextFiles): Tokenizer {
  const keys = ggufKeys(files);
  const tokenizer = orThrow(
    keys === undefined ? findTokenizer((name) => jsonOf(files, name)) : ggufTokenizer(keys, GGUF_TOKENIZER),
  );
  if (tokenizer === undefined) throw new Error("the folder has no tokenizer");
  return tokenizer;
}

/** The chat template of a folder, which must have one. */
export function templateOf(files: TextFiles): ChatTemplate {
  const keys = ggufKeys(files);
  const name = "tokenizer_config.json";
  const config = keys === undefined ? (jsonOf(files, name) ?? {}) : orThrow(ggufChat(keys, GGUF_TOKENIZER));
  const file = files.get(CHAT_TEMPLATE);
  const template = orThrow(chatTemplate(config, file, file === undefined ? name : CHAT_TEMPLATE));
  if (template === undefined) throw new Error("the folder has no chat template");
  return template;
}

/** Where texts end, and how tokens are to be drawn, as generation_config.json says it. */
export function generationOf(files: TextFiles): {
  readonly stops: Pick<GenerateOptions, "stop" | "stopTokens">;
  readonly sampling: Omit<GenerateOptions, "signal">;
} {
  const config = jsonOf(files, GENERATION_CONFIG) ?? {};
  const texts = [ownValue(config, "stop_strings") ?? []].flat().filter((text) => typeof text === "string");
  return { stops: { stop: texts, stopTokens: stopTokens(config) }, sampling: samplingOf(config) };
}

/** The keys of generation_config.json that say how tokens are drawn, if it says that they are. */
function samplingOf(config: JsonObject): Omit<GenerateOptions, "signal"> {
  if (ownValue(config, "do_sample") !== true) return {};
  const number = (key: string): number | undefined => {
    const value = ownValue(config, key);
    return typeof value === "number" ? value : undefined;
  };
  const penalty = number("repetition_penalty");
  const [topK, topP, minP] = [number("top_k"), number("top_p"), number("min_p")];
  return {
    temperature: number("temperature") ?? 1,
    // 0 is what some files have for "all".
    ...(topK === undefined || topK < 1 ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(minP === undefined ? {} : { minP }),
    ...(penalty === undefined ? {} : { repetition: { penalty } }),
  };
}

/** The metadata of a GGUF file that a folder's JSON repeats: its lists of texts are lists of texts again. */
function ggufKeys(files: TextFiles): Metadata | undefined {
  const keys = jsonOf(files, GGUF_TOKENIZER);
  if (keys === undefined) return undefined;
  const valueOf = (value: JsonValue): MetadataValue =>
    Array.isArray(value) && typeof value[0] === "string"
      ? TextList.of(value as readonly string[])
      : (value as MetadataValue);
  return new Map(Object.entries(keys).map(([key, value]) => [key, valueOf(value)]));
}
