import * as library from "@huggingface/tokenizers";
import { isJsonObject, ownValue, type JsonObject } from "../checkpoint/json.ts";
import { Problem, quote } from "../checkpoint/problem.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The library's own types have no file extensions and become `any` here; this is what we use of them. */
interface LibraryTokenizer {
  encode(
    text: string,
    options?: { readonly add_special_tokens: boolean },
  ): { readonly ids: readonly number[] };
  decode(ids: readonly number[], options: { readonly skip_special_tokens: boolean }): string;
  get_vocab(withAddedTokens: boolean): ReadonlyMap<string, number>;
  id_to_token(id: number): string | undefined;
}

const { Tokenizer: LibraryTokenizer } = library as unknown as {
  readonly Tokenizer: new (tokenizer: object, config: object) => LibraryTokenizer;
};

/**
 * The tokenizer of a published `tokenizer.json` (and its `tokenizer_config.json`, for added tokens and clean-up).
 * `name` stands in front of the message if it cannot be used.
 */
export function huggingFaceTokenizer(
  tokenizer: JsonObject,
  config: JsonObject,
  name: string,
): Tokenizer | Problem {
  try {
    const inner = new LibraryTokenizer(tokenizer, config);
    let size = 0;
    for (const id of inner.get_vocab(true).values()) size = Math.max(size, id + 1);
    const model = ownValue(tokenizer, "model");
    const dropsUnknown = isJsonObject(model) && (ownValue(model, "unk_token") ?? null) === null;
    return {
      size,
      encode: (text) => encode(inner, text, dropsUnknown, name),
      decode: (ids) => decode(inner, ids),
    };
  } catch (error) {
    return cannotUse(error, name);
  }
}

/** The library drops a character that has no token if there is no token for unknown ones; we say so instead. */
function encode(
  inner: LibraryTokenizer,
  text: string,
  dropsUnknown: boolean,
  name: string,
): readonly number[] | Problem {
  try {
    const characters = new Set(dropsUnknown ? text.replace(/\s/g, "") : "");
    for (const character of characters)
      if (inner.encode(character, { add_special_tokens: false }).ids.length === 0)
        return new Problem("E742", `${name} has no token for ${quote(character)}`);
    const { ids } = inner.encode(text);
    return ids.every((id) => Number.isInteger(id)) ? ids : unknownTokens(name);
  } catch (error) {
    return cannotUse(error, name);
  }
}

/** For a word that a model of whole words does not have, the library gives no id, also where the file names one for it. */
const unknownTokens = (name: string): Problem =>
  new Problem(
    "E742",
    `${name}: the text has words without a token`,
    "a byte-level byte-pair tokenizer has tokens for every text",
  );

/** The library refuses an empty list and ids that it does not know. */
function decode(inner: LibraryTokenizer, ids: readonly number[]): string {
  const known = ids.filter((id) => inner.id_to_token(id) !== undefined);
  return known.length === 0 ? "" : inner.decode(known, { skip_special_tokens: true });
}

const cannotUse = (error: unknown, name: string): Problem =>
  new Problem(
    "E741",
    `${name}: the tokenizer cannot be used: ${error instanceof Error ? error.message.slice(0, 200) : "unknown reason"}`,
  );
