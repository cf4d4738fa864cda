import type { JsonObject } from "../checkpoint/json.ts";
import { Problem } from "../checkpoint/problem.ts";
import { countOf, showCount } from "../support/text.ts";
import { byteTokens } from "./byte-level.ts";
import { bytePairTokenizer } from "./byte-pairs.ts";
import { charactersOf, characterTokenizer } from "./characters.ts";
import { huggingFaceTokenizer } from "./huggingface/tokenizer.ts";
import { learnMerges } from "./learn-merges.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** How a text becomes tokens. */
export type TokenizerChoice =
  /** One token for each character that the text has. */
  | { readonly kind: "characters" }
  /** Byte-level byte pairs learnt from the text, at most `size` tokens. */
  | { readonly kind: "byte_pairs"; readonly size: number }
  /** As a `tokenizer.json` says. */
  | {
      readonly kind: "file";
      readonly name: string;
      readonly file: JsonObject;
      /** What `tokenizer_config.json` says; `{}` without one. */
      readonly config: JsonObject;
    };

/** The tokenizer of a training text; `name` is the text's, for messages. */
export function tokenizerFor(text: string, choice: TokenizerChoice, name: string): TextTokenizer | Problem {
  switch (choice.kind) {
    case "characters":
      return characterTokenizer(charactersOf(text), name);
    case "byte_pairs":
      return learnBytePairs(text, choice.size);
    case "file":
      return fileTokenizer(choice.file, choice.config, choice.name);
  }
}

function learnBytePairs(text: string, size: number): TextTokenizer | Problem {
  if (Number.isInteger(size) && size >= byteTokens.length && size <= MOST_TOKENS)
    return bytePairTokenizer(learnMerges(text, size));
  return new Problem(
    "E743",
    `a byte-pair tokenizer of ${size} tokens was asked for; it has from ${byteTokens.length} (one for each byte) to ${showCount(MOST_TOKENS)}`,
  );
}

/** Far beyond any vocabulary in use. */
const MOST_TOKENS = 2 ** 24;

function fileTokenizer(file: JsonObject, config: JsonObject, name: string): TextTokenizer | Problem {
  const tokenizer = huggingFaceTokenizer(file, config, name);
  if (tokenizer instanceof Problem) return tokenizer;
  return {
    ...tokenizer,
    description: `${countOf(tokenizer.size, "token")} of ${name}`,
    file,
    encodeAll: (text) => {
      const tokens = tokenizer.encodeWhole(text);
      return tokens instanceof Problem ? tokens : Int32Array.from(tokens);
    },
  };
}
