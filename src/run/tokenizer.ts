import type { JsonObject } from "../checkpoint/json.ts";
import { Problem } from "../checkpoint/problem.ts";
import { withOlderFiles } from "../text/huggingface/older-files.ts";
import { huggingFaceTokenizer } from "../text/huggingface/tokenizer.ts";
import { piecesTokenizer } from "../text/pieces.ts";
import type { Tokenizer } from "../text/tokenizer.ts";

/** Gives the JSON object of a file by its name; undefined if there is no such file. */
export type ReadJson = (name: string) => JsonObject | Problem | undefined;

/** The files that hold a tokenizer; the first that is there counts. */
export const tokenizerFiles: readonly string[] = ["tokenizer.json", "pieces.json"];

/**
 * The tokenizer that lies among files: a Hugging Face `tokenizer.json` with what its other files say of it, or the pieces of
 * lmg's own. Undefined if there is none. `names` are where to look, `pathOf` is what messages call a file.
 */
export function findTokenizer(
  read: ReadJson,
  names: readonly string[] = tokenizerFiles,
  pathOf: (name: string) => string = (name) => name,
): Tokenizer | Problem | undefined {
  for (const name of names) {
    const content = read(name);
    if (content === undefined) continue;
    if (content instanceof Problem) return content;
    if (Object.hasOwn(content, "pieces")) return piecesTokenizer(content, pathOf(name));
    const config = tokenizerConfig(read, content);
    return config instanceof Problem ? config : huggingFaceTokenizer(content, config, pathOf(name));
  }
  return undefined;
}

/** What the files beside a tokenizer.json say of it, as one tokenizer_config.json. */
export function tokenizerConfig(read: ReadJson, tokenizer: JsonObject): JsonObject | Problem {
  const found = ["special_tokens_map.json", "added_tokens.json", "tokenizer_config.json"].map(read);
  const problem = found.find((file) => file instanceof Problem);
  if (problem !== undefined) return problem;
  const [specialTokensMap, addedTokens, config = {}] = found as (JsonObject | undefined)[];
  return withOlderFiles(config, { specialTokensMap, addedTokens }, tokenizer);
}
