import { basename, dirname, join } from "node:path";
import { configText, floatKeys } from "../../checkpoint/config.ts";
import { isJsonObject, ownValue, type JsonObject, type JsonValue } from "../../checkpoint/json.ts";
import { noTokens, publishConfig, type PublishOptions } from "../../lower/config/written/publish.ts";
import { textPart } from "../../lower/config/text-part.ts";
import { readTextIfThere } from "../run/tokenizer-files.ts";
import { runFiles } from "./folder.ts";
import { contextOf } from "./numbers.ts";
import type { TrainOptions } from "./options.ts";
import type { PreparedTraining } from "./prepare.ts";

/** JSON as the files of a run have it. */
export const jsonText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

/** What makes of a run a checkpoint that others load. */
export interface PublishedRun {
  /** Files by name. */
  readonly files: Readonly<Record<string, string>>;
  /** What run.json says of it: the architecture, or why there is none and what to do. */
  readonly said: object;
  /** A line for who named an architecture that the model has not. */
  readonly note?: string;
}

/**
 * The config.json of a run whose model has a published architecture, and what AutoTokenizer and generation need beside it. A model
 * without one is told how it gets one.
 */
export function publishRun(prepared: PreparedTraining, options: TrainOptions): PublishedRun {
  const { model, file, lowering, tokenizer } = prepared;
  const { evaluation } = model;
  const context = contextOf(options);
  const ids = tokenizer === undefined ? {} : specialTokens(prepared);
  const isDecoder = evaluation.written.some(({ architecture }) =>
    /ForCausalLM$|LMHeadModel$/.test(architecture),
  );
  const given = givenConfig(prepared);
  const found = publishConfig(evaluation, {
    file,
    options: lowering,
    extra: { ...noTokens, ...ids },
    perhaps: context === undefined ? {} : { max_position_embeddings: context },
    ...(given === undefined ? {} : { given }),
  });
  if (!("config" in found)) {
    const said = `no ${runFiles.config}: ${found.because}; ${found.help}\n`;
    return { files: {}, said: found, ...(evaluation.written.length === 0 ? {} : { note: said }) };
  }
  const generation =
    readBesideConfig(prepared, runFiles.generationConfig) ?? (isDecoder ? jsonText(ids) : jsonText({}));
  return {
    files: {
      ...(tokenizer === undefined ? {} : { [runFiles.tokenizerConfig]: tokenizerText(prepared, context) }),
      [runFiles.config]: configText(found.config, found.floats),
      [runFiles.generationConfig]: generation,
    },
    said: { architecture: found.architecture, model_type: found.family },
  };
}

/** The config.json that `--config` named, with its text part alone where it has several; a GGUF file has none of its own. */
function givenConfig({ lowering }: PreparedTraining): PublishOptions["given"] {
  const { config, configName } = lowering;
  if (config === undefined || configName === undefined || !configName.endsWith(".json")) return undefined;
  const floats = floatKeys(readTextIfThere(configName) ?? "");
  const part = textPart({ config, name: configName });
  if (part === undefined) return { config, floats };
  const prefix = "text_config.";
  const inner = [...floats].flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []));
  return { config: part.config, floats: new Set(inner) };
}

/** The text of a file that stands beside the config.json that was given. */
function readBesideConfig({ lowering: { configName } }: PreparedTraining, name: string): string | undefined {
  return configName === undefined || basename(configName) !== runFiles.config
    ? undefined
    : readTextIfThere(join(dirname(configName), name));
}

/** The ids of the tokens by which texts begin, end and are filled, where the files of the tokenizer name them. */
function specialTokens({ tokenizer, tokenizerConfig }: PreparedTraining): Record<string, number> {
  const ids = idsOf(tokenizer!.file);
  return Object.fromEntries(
    ["bos", "eos", "pad"].flatMap((kind) => {
      const said = ownValue(tokenizerConfig, `${kind}_token`);
      const text = isJsonObject(said) ? ownValue(said, "content") : said;
      const id = typeof text === "string" ? ids.get(text) : undefined;
      return id === undefined ? [] : [[`${kind}_token_id`, id]];
    }),
  );
}

/** The ids of a tokenizer.json by their tokens. */
function idsOf(file: JsonObject): ReadonlyMap<string, number> {
  const model = ownValue(file, "model");
  const vocabulary = isJsonObject(model) ? ownValue(model, "vocab") : undefined;
  const own: readonly (readonly [string, JsonValue])[] = Array.isArray(vocabulary)
    ? (vocabulary as readonly JsonValue[]).map((entry, id) => [
        String(Array.isArray(entry) ? entry[0] : entry),
        id,
      ])
    : Object.entries(isJsonObject(vocabulary) ? vocabulary : {});
  const added = ownValue(file, "added_tokens");
  const more = (Array.isArray(added) ? (added as readonly JsonValue[]) : []).flatMap((token) =>
    isJsonObject(token) && typeof token["content"] === "string"
      ? [[token["content"], token["id"]!] as const]
      : [],
  );
  return new Map(
    [...own, ...more].filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}

/** With the class that reads a tokenizer.json as it is, where none is named: AutoTokenizer would take that of the family. */
function tokenizerText({ tokenizerConfig }: PreparedTraining, context: number | undefined): string {
  return jsonText({
    tokenizer_class: "PreTrainedTokenizerFast",
    ...(context === undefined ? {} : { model_max_length: context }),
    ...tokenizerConfig,
  });
}
