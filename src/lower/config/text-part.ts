import { isConfigObject, type ConfigObject } from "./file.ts";

/** A config.json, and what messages call it. */
export interface NamedConfig {
  readonly config: ConfigObject;
  readonly name: string;
}

/**
 * The part of a config that says what the text model is: its `text_config` if it has one, as the configs of models have that also
 * see or hear. Whether the head is tied may stand beside it.
 */
export function textPart({ config, name }: NamedConfig): NamedConfig | undefined {
  const text = Object.hasOwn(config, "text_config") ? config["text_config"] : undefined;
  if (!isConfigObject(text)) return undefined;
  const tied = Object.hasOwn(config, "tie_word_embeddings")
    ? { tie_word_embeddings: config["tie_word_embeddings"]! }
    : {};
  return { config: { ...tied, ...text }, name: `text_config of ${name}` };
}
