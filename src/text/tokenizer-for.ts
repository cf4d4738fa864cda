import type { JsonObject } from "../checkpoint/json.ts";
import { Problem } from "../checkpoint/problem.ts";
import { showCount } from "../support/text.ts";
import { charactersOf, characterTokenizer } from "./characters.ts";
import { huggingFaceTokenizer } from "./huggingface.ts";
import type { TextTokenizer } from "./tokenizer.ts";

/** How a text becomes tokens: by its own characters, or as a `tokenizer.json` says. */
export type TokenizerChoice =
  | { readonly kind: "characters" }
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
    case "file":
      return fileTokenizer(choice.file, choice.config, choice.name);
  }
}

function fileTokenizer(file: JsonObject, config: JsonObject, name: string): TextTokenizer | Problem {
  const tokenizer = huggingFaceTokenizer(file, config, name);
  if (tokenizer instanceof Problem) return tokenizer;
  return {
    ...tokenizer,
    description: `${showCount(tokenizer.size)} tokens of ${name}`,
    file,
    encodeAll: (text) => {
      const tokens = tokenizer.encode(text);
      return tokens instanceof Problem ? tokens : Int32Array.from(tokens);
    },
  };
}
