import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
import { splitPiece } from "../../src/text/huggingface/pieces.ts";
import { compileRegex } from "../../src/text/huggingface/regex.ts";
import { expectValue } from "../checkpoint/fixtures.ts";

/** Made by test/golden/tokenizer_files.py with Hugging Face's tokenizers. */
interface Golden {
  readonly texts: Readonly<Record<string, string>>;
  readonly patterns: readonly {
    readonly pattern: string;
    readonly text: string;
    readonly parts: readonly string[];
  }[];
  readonly cases: readonly {
    readonly name: string;
    readonly file: JsonObject;
    /** By text. */
    readonly ids: Readonly<Record<string, readonly number[]>>;
    readonly decoded: Readonly<Record<string, string>>;
  }[];
}

const path = new URL("../golden/text/tokenizer_files.json", import.meta.url);
const { texts, patterns, cases } = JSON.parse(readFileSync(path, "utf8")) as Golden;

test("at least twenty files, of all kinds of model, are compared", () => {
  const models = cases.map(({ file }) => (file["model"] as JsonObject)["type"]);
  expect(cases.length).toBeGreaterThanOrEqual(20);
  expect(new Set(models)).toEqual(new Set(["BPE", "WordPiece", "WordLevel", "Unigram", undefined]));
});

describe.each(cases)("$name", ({ file, ids, decoded }) => {
  const tokenizer = expectValue(huggingFaceTokenizer(file, {}, "tokenizer.json"));

  test("gives the ids that Hugging Face's library gives", () => {
    const found = Object.entries(texts).map(([name, text]) => [name, tokenizer.encode(text)]);
    expect(Object.fromEntries(found)).toEqual(ids);
  });

  test("gives the texts that it gives", () => {
    const found = Object.keys(decoded).map((name) => [name, tokenizer.decode(ids[name]!)]);
    expect(Object.fromEntries(found)).toEqual(decoded);
  });
});

test.each(patterns)("the pattern $pattern cuts as in Oniguruma", ({ pattern, text, parts }) => {
  const pieces = splitPiece({ text, head: 0 }, compileRegex(pattern, "pattern"), "Isolated");
  expect(pieces.map(({ text }) => text)).toEqual(parts);
});
