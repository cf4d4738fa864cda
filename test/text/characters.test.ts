import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseJsonObject } from "../../src/checkpoint/json.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
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

  test("encodes a text of the training as a prompt", () => {
    const tokenizer = expectValue(tokenizerFor("", choice, ""));
    const quoted = "“Thar—she’s” & blows! ".repeat(40);
    expect(tokenizer.encodeAll(quoted)).toEqual(Int32Array.from(expectValue(tokenizer.encode(quoted))));
    expect(tokenizer.description).toBe("75 tokens of tokenizer.json");
  });
});
