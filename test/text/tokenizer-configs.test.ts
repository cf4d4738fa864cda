import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { withOlderFiles } from "../../src/text/huggingface/older-files.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";

/** Made by test/golden/tokenizer_configs.py with transformers. */
interface Golden {
  readonly texts: readonly string[];
  readonly cases: readonly {
    readonly name: string;
    readonly file: JsonObject;
    readonly config: JsonObject;
    readonly special_tokens_map?: JsonObject;
    readonly added_tokens?: JsonObject;
    readonly size: number;
    /** By text. */
    readonly ids: readonly (readonly number[])[];
    readonly decoded: readonly string[];
  }[];
}

const path = new URL("../golden/text/tokenizer_configs.json", import.meta.url);
const { texts, cases } = JSON.parse(readFileSync(path, "utf8")) as Golden;

describe("tokens that only the files beside a tokenizer.json have", () => {
  test.each(cases)("are those that transformers adds: $name", (each) => {
    const { file, config, special_tokens_map: specialTokensMap, added_tokens: addedTokens } = each;
    const { size, ids, decoded } = each;
    const whole = withOlderFiles(config, { specialTokensMap, addedTokens }, file);
    const tokenizer = expectValue(huggingFaceTokenizer(file, whole, "tokenizer.json"));
    expect(texts.map((text) => tokenizer.encode(text))).toEqual(ids);
    expect(ids.map((each) => tokenizer.decode(each))).toEqual(decoded);
    expect(tokenizer.size).toBe(size);
  });

  const { file } = cases[0]!;
  const token = { content: "<|x|>", special: true };
  test.each([
    [
      "an id that is not the next",
      { added_tokens_decoder: { 20: token } },
      "`tokenizer_config.json.added_tokens_decoder.20.id`: `<|x|>` is not in the vocabulary, and the next free id is 12, not 20",
    ],
    [
      "an id of another",
      { added_tokens_decoder: { 1: { ...token, content: "a" } } },
      "`tokenizer_config.json.added_tokens_decoder.1.id`: `a` has the id 0, not 1",
    ],
    [
      "an id that is none",
      { added_tokens_decoder: { first: token } },
      "`tokenizer_config.json.added_tokens_decoder.first`: expected an id as its name, found an object",
    ],
    [
      "a member of no known meaning",
      { added_tokens_decoder: { 12: { ...token, trims: true } } },
      "`tokenizer_config.json.added_tokens_decoder.12.trims` is true",
    ],
    [
      "a special token that is none",
      { eos_token: 5 },
      "`tokenizer_config.json.eos_token`: expected a token, as a text or an object, found 5",
    ],
    [
      "special tokens that are split",
      { split_special_tokens: true },
      "`tokenizer_config.json.split_special_tokens` is true: lmg finds special tokens in a text",
    ],
  ])("are refused by name: %s", (_, config, message) => {
    expect(messageOf(huggingFaceTokenizer(file, config, "tokenizer.json"))).toContain(message);
  });
});
