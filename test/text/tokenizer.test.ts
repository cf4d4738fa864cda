import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
import { piecesTokenizer } from "../../src/text/pieces.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";

/** A byte-pair vocabulary as the library of Hugging Face writes it, three letters and one merge. */
const lettersFile = {
  version: "1.0",
  added_tokens: [
    {
      id: 3,
      content: "<s>",
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    },
  ],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: {
    type: "TemplateProcessing",
    single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
    pair: [],
    special_tokens: { "<s>": { id: "<s>", ids: [3], tokens: ["<s>"] } },
  },
  decoder: { type: "Fuse" },
  model: { type: "BPE", unk_token: null, vocab: { a: 0, b: 1, ab: 2, "<s>": 3 }, merges: ["a b"] },
};

describe("a tokenizer.json", () => {
  const tokenizer = expectValue(huggingFaceTokenizer(lettersFile, {}, "tokenizer.json"));

  test("merges pairs, adds the special tokens, and leaves them out of the text", () => {
    expect(tokenizer.encode("abba")).toStrictEqual([3, 2, 1, 0]);
    expect(tokenizer.decode([3, 2, 1, 0])).toBe("abba");
    expect(tokenizer.size).toBe(4);
  });

  test("may have as many tokens as the vocabularies of today, 128,256 or 262,144", () => {
    const vocab = Object.fromEntries(Array.from({ length: 262_144 }, (_, id) => [`t${id}`, id]));
    const file = { ...lettersFile, added_tokens: [], post_processor: null };
    const model = { type: "WordLevel", unk_token: "t0", vocab };
    expect(expectValue(huggingFaceTokenizer({ ...file, model }, {}, "tokenizer.json")).size).toBe(262_144);
  });

  test("decodes nothing, and ids that it does not have, to nothing", () => {
    expect(tokenizer.decode([])).toBe("");
    expect(tokenizer.decode([99])).toBe("");
  });

  test.each([
    ["a character", lettersFile, "aΩb", "Ω"],
    [
      "a word",
      {
        ...lettersFile,
        added_tokens: [],
        post_processor: null,
        pre_tokenizer: { type: "Whitespace" },
        model: { type: "WordLevel", unk_token: "?", vocab: { call: 1, me: 2 } },
      },
      "call Ishmael",
      "Ishmael",
    ],
  ])("that has no token for %s says so, where the library drops it or fails", (_, file, text, lacking) => {
    const read = expectValue(huggingFaceTokenizer(file as unknown as JsonObject, {}, "tokenizer.json"));
    expect(messageOf(read.encode(text))).toBe(
      `E742 tokenizer.json has no token for \`${lacking}\`, and none for what is unknown`,
    );
  });
});

describe("the vocabulary of llama2.c", () => {
  const bytes = Array.from(
    { length: 256 },
    (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
  );
  const words = [" ", "a", "b", "ab", " a", " ab", "bb", "Ã©"];
  const file = {
    pieces: ["<unk>", "\n<s>\n", "\n</s>\n", ...bytes, ...words],
    scores: [...new Array<number>(259 + 3).fill(0), -1, -2, -3, -4, 0],
  };
  const tokenizer = expectValue(piecesTokenizer(file, "pieces.json"));
  const id = (piece: string): number => 259 + words.indexOf(piece);

  test("begins a text with its token and a blank, and merges by score", () => {
    // ` abb`: of ` a` (-2), `ab` (-1) and `bb` (-4) the second is best; then ` ` and `ab` make ` ab`.
    expect(tokenizer.encode("abb")).toStrictEqual([1, id(" ab"), id("b")]);
    expect(tokenizer.encode("")).toStrictEqual([1]);
  });

  test("falls back to the bytes of a character that has no piece", () => {
    expect(tokenizer.encode("€")).toStrictEqual([1, id(" "), 0xe2 + 3, 0x82 + 3, 0xac + 3]);
    expect(tokenizer.encode("é")).toStrictEqual([1, id(" "), id("Ã©")]);
  });

  test.each(["ab b a", "é€ 日本", " two  blanks", "🐋"])("gives the text %j back", (text) => {
    expect(tokenizer.decode(tokenizer.encode(text) as number[])).toBe(text);
  });

  test("of a wrong form is a problem", () => {
    expect(messageOf(piecesTokenizer({ pieces: ["a"], scores: [] }, "pieces.json"))).toBe(
      "E741 pieces.json: expected lists `pieces` and `scores` of one length",
    );
    expect(messageOf(piecesTokenizer({ pieces: ["a"], scores: [0] }, "pieces.json"))).toBe(
      "E741 pieces.json: expected at least 259 pieces (3 special, 256 bytes), found 1",
    );
  });
});
