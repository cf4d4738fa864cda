import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseJsonObject, type JsonObject } from "../../src/checkpoint/json.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface.ts";
import { ownEncoder } from "../../src/text/recognize.ts";
import { tokenizerFor } from "../../src/text/tokenizer-for.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";

const text = "Call me Ishmael.\nSome years ago – 🐋!\n";
const characters = expectValue(tokenizerFor(text, { kind: "characters" }, "moby.txt"));

describe("a tokenizer of characters", () => {
  test("numbers them by code point", () => {
    expect(characters.description).toBe("19 characters");
    expect(characters.size).toBe(19);
    expect(characters.decode(Array.from({ length: 19 }, (_, id) => id))).toBe("\n !.CISaeghlmorsy–🐋");
    expect(characters.encode("🐋Ca")).toEqual([18, 4, 7]);
    expect(characters.decode([18, 4, 7, 99])).toBe("🐋Ca");
  });

  test("saves a file that the library reads", () => {
    const library = expectValue(huggingFaceTokenizer(characters.file, {}, "tokenizer.json"));
    expect(library.encode(text)).toEqual(characters.encode(text));
    expect(library.decode(expectValue(library.encode(text)))).toBe(text);
    expect(library.size).toBe(19);
  });

  test("says where a character is that the text did not have", () => {
    expect(messageOf(characters.encodeAll("Call\nme\né"))).toBe(
      "E742 moby.txt has no token for `é`, which stands in line 3 | train on a text that has this character, or use a " +
        "byte-pair tokenizer, which has tokens for all",
    );
  });
});

describe("a tokenizer.json of characters with spellings", () => {
  const path = new URL("../../examples/weights/whale/tokenizer.json", import.meta.url);
  const file = expectValue(parseJsonObject(readFileSync(path, "utf8"), "tokenizer.json"));
  const choice = { kind: "file", name: "tokenizer.json", file, config: {} } as const;

  test("encodes long texts as the library does", () => {
    const tokenizer = expectValue(tokenizerFor("", choice, ""));
    const quoted = "“Thar—she’s” & blows! ".repeat(40);
    expect(ownEncoder(file, "tokenizer.json")).toBeDefined();
    expect(tokenizer.encodeAll(quoted)).toEqual(Int32Array.from(expectValue(tokenizer.encode(quoted))));
    expect(tokenizer.description).toBe("75 tokens of tokenizer.json");
  });
});

describe("a tokenizer.json of a form that is not known to the letter", () => {
  const { file } = expectValue(tokenizerFor("the cat the", { kind: "byte_pairs", size: 260 }, "text"));
  const model = file["model"] as JsonObject;
  const added = {
    id: 260,
    content: "<end>",
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
  };
  const processor = { type: "TemplateProcessing", single: [{ Sequence: { id: "A", type_id: 0 } }], pair: [] };

  test.each([
    ["lower-cases", { normalizer: { type: "Lowercase" } }],
    ["puts a blank in front", { pre_tokenizer: { type: "ByteLevel", add_prefix_space: true } }],
    ["does not cut words", { pre_tokenizer: { type: "ByteLevel", use_regex: false } }],
    ["puts tokens around a text", { post_processor: processor }],
    ["drops merges at random", { model: { ...model, dropout: 0.1 } }],
    ["is no byte-pair encoding", { model: { ...model, type: "Unigram" } }],
    ["lacks a byte", { model: { ...model, vocab: { a: 0 }, merges: [] } }],
    ["has a hole among its ids", { model: { ...model, vocab: { a: 0, b: 2 } } }],
    ["merges what it does not have", { model: { ...model, merges: [["x", "yz"]] } }],
    ["has a merge of three", { model: { ...model, merges: ["a b c"] } }],
  ])("is left to the library: it %s", (_, change) => {
    expect(ownEncoder({ ...file, ...change }, "tokenizer.json")).toBeUndefined();
  });

  test("leaves texts with added tokens to the library", () => {
    const changed = { ...file, added_tokens: [{ ...added, normalized: false }] } as unknown as JsonObject;
    const choice = { kind: "file", name: "tokenizer.json", file: changed, config: {} } as const;
    const tokenizer = expectValue(tokenizerFor("", choice, ""));
    expect(tokenizer.encodeAll("the<end>")).toEqual(
      Int32Array.from([...expectValue(tokenizer.encode("the")), 260]),
    );
  });

  test("reads merges that are written with a blank between", () => {
    const pairs = model["merges"] as readonly (readonly string[])[];
    const older = { ...file, model: { ...model, merges: pairs.map((pair) => pair.join(" ")) } };
    expect(ownEncoder(older, "tokenizer.json")?.("the cat")).toEqual(ownEncoder(file, "")?.("the cat"));
  });
});
