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

/** The ids of a prompt, of which there must be some; `help` is what to do without. */
export function encodePrompt(
  tokenizer: Tokenizer,
  prompt: string,
  help?: string,
): readonly number[] | Problem {
  const ids = tokenizer.encode(prompt);
  return ids instanceof Problem || ids.length > 0
    ? ids
    : new Problem("E818", "the prompt has no tokens", help);
}

/** Where a text begins out of nothing: at the start of a line, as after nanoGPT's "\n"; at the first token if there are no lines. */
export function emptyPrompt(tokenizer: Tokenizer | undefined): readonly number[] {
  const line = tokenizer?.encode("\n") ?? [];
  return line instanceof Problem || line.length === 0 ? [0] : line;
}

/** What the files beside a tokenizer.json say of it, as one tokenizer_config.json. */
export function tokenizerConfig(read: ReadJson, tokenizer: JsonObject): JsonObject | Problem {
  const found = ["special_tokens_map.json", "added_tokens.json", "tokenizer_config.json"].map(read);
  const problem = found.find((file) => file instanceof Problem);
  if (problem !== undefined) return problem;
  const [specialTokensMap, addedTokens, config = {}] = found as (JsonObject | undefined)[];
  return withOlderFiles(config, { specialTokensMap, addedTokens }, tokenizer);
}
