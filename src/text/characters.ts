import type { JsonObject } from "../checkpoint/json.ts";
import { Problem, quote } from "../checkpoint/problem.ts";
import { countOf } from "../support/text.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** The distinct characters of a text in the order of their code points, a line break first as a rule. */
export const charactersOf = (text: string): string[] =>
  [...new Set(text)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);

/** One token for each character, numbered in the order given. */
export function characterTokenizer(alphabet: readonly string[], name: string): TextTokenizer {
  const ids = new Map(alphabet.map((character, id) => [character, id]));
  const encodeAll = (text: string): Int32Array | Problem => {
    const tokens = new Int32Array(text.length);
    let count = 0;
    for (const character of text) {
      const id = ids.get(character);
      if (id === undefined) return unknownCharacter(character, text, name);
      tokens[count++] = id;
    }
    return tokens.subarray(0, count);
  };
  return {
    size: alphabet.length,
    description: countOf(alphabet.length, "character"),
    file: characterFile(alphabet),
    encodeAll,
    encode: (text) => {
      const tokens = encodeAll(text);
      return tokens instanceof Problem ? tokens : Array.from(tokens);
    },
    decode: (tokens) => tokens.map((id) => alphabet[id] ?? "").join(""),
  };
}

function unknownCharacter(character: string, text: string, name: string): Problem {
  const line = text.slice(0, text.indexOf(character)).split("\n").length;
  return new Problem(
    "E742",
    `${name} has no token for ${quote(character)}, which stands in line ${line}`,
    "train on a text that has this character, or use a byte-pair tokenizer, which has tokens for all",
  );
}

/** A `tokenizer.json` that readers of Hugging Face's format take: byte-pair encoding without a single merge. */
const characterFile = (alphabet: readonly string[]): JsonObject => ({
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: { type: "Fuse" },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(alphabet.map((character, id) => [character, id])),
    merges: [],
  },
});
