import type { JsonObject } from "../../checkpoint/json.ts";
import type { Metadata } from "../../checkpoint/gguf/metadata.ts";
import { Problem, ProblemError } from "../../checkpoint/problem.ts";
import { TokenizerKeys } from "./vocabulary.ts";

/** What a GGUF file calls the tokens that tokenizer_config.json has names for; `seperator` is its own spelling. */
const SPECIAL_TOKENS = {
  bos_token: "bos",
  eos_token: "eos",
  unk_token: "unknown",
  sep_token: "seperator",
  pad_token: "padding",
  cls_token: "cls",
  mask_token: "mask",
} as const;

/**
 * What the tokenizer_config.json of the model that a GGUF file was made of says of conversations: its `chat_template`, and
 * the texts of the tokens that one may name. A file without a template has none of it.
 */
export function ggufChat(metadata: Metadata, name: string): JsonObject | Problem {
  const template = metadata.get("tokenizer.chat_template");
  if (template === undefined) return {};
  if (typeof template !== "string")
    return new Problem("E744", `${name}: expected \`tokenizer.chat_template\` to be a text`);
  const keys = new TokenizerKeys(metadata, name);
  try {
    const texts = keys.texts("tokens");
    const tokens = Object.entries(SPECIAL_TOKENS).flatMap(([key, called]): [string, string][] => {
      const id = keys.id(called, texts.length);
      return id === undefined ? [] : [[key, texts.at(id)!]];
    });
    return { chat_template: template, ...Object.fromEntries(tokens) };
  } catch (error) {
    if (error instanceof ProblemError) return error.problems[0]!;
    throw error;
  }
}
