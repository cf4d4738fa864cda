import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readGguf } from "../../src/checkpoint/gguf/tensors.ts";
import { textsOf } from "../../src/cli/compile/page-texts.ts";
import { TextOut } from "../../src/cli/out.ts";
import { generationOf, templateOf, tokenizerOf, type TextFiles } from "../../src/page/texts.ts";
import { ggufTokenizer } from "../../src/text/gguf/tokenizer.ts";
import { expectValue } from "../checkpoint/fixtures.ts";

const folder = "test/golden/gguf/tokenizers";
const { texts } = JSON.parse(readFileSync(`${folder}/ids.json`, "utf8")) as {
  readonly texts: Readonly<Record<string, string>>;
};

/** The files that a page has of a checkpoint. */
const filesOf = (place: string): TextFiles =>
  new Map(textsOf(place, undefined, new TextOut()).files.map(({ path, text }) => [path, text]));

test.each(["llama", "gpt2", "bert"])(
  "the tokenizer that a page has of a GGUF file of the kind %s is that of the file",
  (name) => {
    const path = `${folder}/${name}.gguf`;
    const file = expectValue(readGguf(new Uint8Array(readFileSync(path)), name));
    const own = expectValue(ggufTokenizer(file.metadata, name)!);
    const found = tokenizerOf(filesOf(path));
    expect(found.size).toBe(own.size);
    const given = Object.values(texts);
    expect(given.length).toBeGreaterThan(25);
    for (const text of given) {
      const ids = expectValue(own.encode(text));
      expect(found.encode(text)).toEqual(ids);
      expect(found.decode(ids)).toBe(own.decode(ids));
    }
  },
);

describe("generation_config.json", () => {
  const read = (config: object) =>
    generationOf(new Map([["generation_config.json", JSON.stringify(config)]]));

  test("says where texts end", () => {
    expect(read({ eos_token_id: [1, 106], stop_strings: ["User:", 3] }).stops).toEqual({
      stop: ["User:"],
      stopTokens: new Set([1, 106]),
    });
    expect(generationOf(new Map()).stops).toEqual({ stop: [], stopTokens: new Set() });
    expect(read({ stop_strings: "\n" }).stops.stop).toEqual(["\n"]);
  });

  test("says how tokens are drawn, if they are", () => {
    const drawn = { temperature: 0.6, top_k: 20, top_p: 0.95, min_p: 0.1, repetition_penalty: 1.1 };
    expect(read({ ...drawn, do_sample: true }).sampling).toEqual({
      temperature: 0.6,
      topK: 20,
      topP: 0.95,
      minP: 0.1,
      repetition: { penalty: 1.1 },
    });
    expect(read({ do_sample: true, top_k: 0 }).sampling).toEqual({ temperature: 1 });
    expect(read(drawn).sampling).toEqual({});
  });
});

test("a folder without tokenizer, template, or with another kind of JSON says so", () => {
  expect(() => tokenizerOf(new Map())).toThrow("the folder has no tokenizer");
  expect(() => templateOf(new Map())).toThrow("the folder has no chat template");
  expect(() => tokenizerOf(new Map([["tokenizer.json", "[]"]]))).toThrow(
    "tokenizer.json: expected a JSON object",
  );
});

test("a chat template of a file of its own wins", () => {
  const files = new Map([
    ["tokenizer_config.json", JSON.stringify({ chat_template: "no", bos_token: "<s>" })],
    ["chat_template.jinja", "{{ bos_token }}{{ messages[0].content }}"],
  ]);
  expect(templateOf(files)([{ role: "user", content: "hi" }])).toBe("<s>hi");
});
