import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { wordsOf } from "../../src/text/byte-level.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
import { tokenizerFor } from "../../src/text/tokenizer-for.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly text: string;
    readonly size: number;
    readonly file: JsonObject;
    readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
  }[];
}

/** What Hugging Face's trainer learns (`test/golden/byte_pairs.py`). */
const golden = JSON.parse(
  readFileSync(new URL("../golden/text/byte_pairs.json", import.meta.url), "utf8"),
) as Golden;

const learn = (text: string, size: number) =>
  expectValue(tokenizerFor(text, { kind: "byte_pairs", size }, "text"));

describe.each(golden.cases)("byte pairs learnt from the text $name", ({ text, size, file, texts }) => {
  const tokenizer = learn(text, size);

  test("are those of Hugging Face's trainer, and so is the file", () => {
    expect(tokenizer.file).toEqual(file);
  });

  test("encode as Hugging Face's library, and decode to the text", () => {
    for (const { text, ids } of texts) {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.encodeAll(text)).toEqual(Int32Array.from(ids));
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  test("encode the same when the file is read back", () => {
    const read = expectValue(huggingFaceTokenizer(file, {}, "tokenizer.json"));
    for (const { text, ids } of texts) expect(read.encode(text)).toEqual(ids);
  });
});

describe("byte pairs", () => {
  test("have tokens for every text, and give it back", () => {
    const tokenizer = learn("the cat sat on the mat, the rat sat on the cat", 270);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (text) => {
        expect(tokenizer.decode(expectValue(tokenizer.encode(text)))).toBe(text);
        expect([...wordsOf(text)].join("")).toBe(text);
      }),
      { seed: 4 },
    );
  });

  test("are as many as the text gives, if more are asked for", () => {
    expect(learn("abab", 1000).description).toBe("258 byte-pair tokens");
  });

  test("of a single word of 200,000 letters take time n log n, not n²", () => {
    const text = "ab".repeat(100_000);
    // ab, abab, … double ten times: 1,024 letters a token, and 200,000 = 195 · 1,024 + 256 + 64.
    expect(learn(text, 266).encodeAll(text)).toHaveLength(195 + 2);
  });

  test.each([255, 300.5, 2 ** 24 + 1])("cannot be %d", (size) => {
    expect(messageOf(tokenizerFor("abc", { kind: "byte_pairs", size }, "text"))).toBe(
      `E743 a byte-pair tokenizer of ${size} tokens was asked for; it has from 256 (one for each byte) to 16,777,216`,
    );
  });
});
