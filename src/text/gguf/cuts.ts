import type { JsonObject } from "../../checkpoint/json.ts";

/** How a text is cut into words before its bytes are paired, as members of a tokenizer.json. */
export interface Cut {
  readonly patterns: readonly string[];
  /** GPT-2's own cut comes last. */
  readonly thenGpt2?: boolean;
  readonly normalizer?: JsonObject;
  /** A word that is a token is not merged from its parts. */
  readonly takesWholeWords?: boolean;
  /** A text begins with the token of beginnings where the file does not say. */
  readonly addsBos?: boolean;
}

const NFC: JsonObject = { type: "NFC" };
const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const REST = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** Words with their capitals: those of o200k and Tekken. */
const upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
const lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
const cased = (behind: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?${upper}*${lower}+${behind}|[^\\r\\n\\p{L}\\p{N}]?${upper}+${lower}*${behind}`;
const CASED_REST = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const gpt2: Cut = { patterns: [], thenGpt2: true };
const digits: Cut = { patterns: ["\\p{N}"], thenGpt2: true };
const threes: Cut = { patterns: [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|${REST}`] };
const llama3: Cut = { ...threes, takesWholeWords: true, addsBos: true };
const qwen2: Cut = {
  patterns: [`${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|${REST}`],
  normalizer: NFC,
};
const gpt4o: Cut = { patterns: [`${cased(`${CONTRACTIONS}?`)}|\\p{N}{1,3}|${CASED_REST}`] };
const tekken: Cut = {
  patterns: [`${cased("")}|\\p{N}|${CASED_REST}`],
  takesWholeWords: true,
  addsBos: true,
};
const deepseek3: Cut = {
  patterns: [
    "\\p{N}{1,3}",
    "[一-龥\\u3040-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  ],
};

/**
 * The cuts that `tokenizer.ggml.pre` names, as the tokenizer.json files have them from which the names were made (the hashes of
 * `get_vocab_base_pre`, the patterns of llama-vocab.cpp). What is not here is refused.
 */
export const cuts: Readonly<Record<string, Cut>> = {
  "gpt-2": gpt2,
  "phi-2": gpt2,
  "roberta-bpe": gpt2,
  "modern-bert": { ...gpt2, normalizer: NFC },
  mpt: { ...gpt2, normalizer: NFC },
  olmo: { ...gpt2, normalizer: NFC },
  exaone4: gpt2,
  starcoder: digits,
  refact: digits,
  smollm: digits,
  codeshell: digits,
  "command-r": { ...digits, normalizer: NFC },
  dbrx: threes,
  "smaug-bpe": threes,
  "llama-bpe": llama3,
  "llama-v3": llama3,
  llama3,
  falcon3: llama3,
  qwen2,
  "deepseek-r1-qwen": qwen2,
  "gpt-4o": gpt4o,
  llama4: gpt4o,
  tekken,
  "deepseek-v3": deepseek3,
};
