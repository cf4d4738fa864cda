import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readGguf } from "../../src/checkpoint/gguf/tensors.ts";
import { ggufChat } from "../../src/text/gguf/chat.ts";
import { ggufTokenizer } from "../../src/text/gguf/tokenizer.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";
import { ggufFile, i32s, text, texts, u32 } from "../checkpoint/gguf/writer.ts";

/** Vocabularies as llama.cpp's converter writes them, and ids by SentencePiece and Hugging Face's tokenizers. */
interface Golden {
  readonly texts: Readonly<Record<string, string>>;
  readonly llama: Ids;
  readonly gpt2: Readonly<Record<string, Ids>>;
  readonly bert: Ids;
}
type Ids = Readonly<Record<string, readonly number[]>>;

const folder = new URL("../golden/gguf/tokenizers/", import.meta.url);
const golden = JSON.parse(readFileSync(new URL("ids.json", folder), "utf8")) as Golden;
const metadataOf = (name: string) =>
  expectValue(readGguf(new Uint8Array(readFileSync(new URL(`${name}.gguf`, folder))), name)).metadata;

function expectIds(name: string, ids: Ids, pre?: string): void {
  const metadata = new Map(metadataOf(name));
  if (pre !== undefined) metadata.set("tokenizer.ggml.pre", pre);
  const tokenizer = expectValue(ggufTokenizer(metadata, name)!);
  const found = Object.keys(ids).map((key) => [key, tokenizer.encode(golden.texts[key]!)] as const);
  expect(found.length).toBeGreaterThan(25);
  expect(Object.fromEntries(found)).toEqual(ids);
}

test("SentencePiece's pairs by score give its ids", () => {
  // The library does not look for its control tokens in texts, which llama.cpp does (below).
  expectIds("llama", Object.fromEntries(Object.entries(golden.llama).filter(([name]) => name !== "special")));
});

test.each(Object.keys(golden.gpt2))(
  "pairs of bytes cut as %s give the ids of Hugging Face's library",
  (pre) => {
    expectIds("gpt2", golden.gpt2[pre]!, pre);
  },
);

test("word pieces give the ids of Hugging Face's library", () => {
  expectIds("bert", golden.bert);
});

describe("SentencePiece", () => {
  const tokenizer = expectValue(ggufTokenizer(metadataOf("llama"), "llama")!);

  test("a text comes back from its ids", () => {
    for (const [name, given] of Object.entries(golden.texts))
      if (name !== "metaspace" && name !== "special")
        expect(tokenizer.decode(tokenizer.encode(given) as number[])).toBe(given);
  });

  test("tokens of its own are found as they stand, and what goes on behind them begins anew", () => {
    const [, ...alone] = tokenizer.encode("a") as number[];
    expect(tokenizer.encode("a<s>a</s>")).toEqual([1, ...alone, 1, ...alone, 2]);
    expect(tokenizer.decode([1, ...alone, 2])).toBe("a");
  });

  test("a long text takes no square of its length", () => {
    const ids = tokenizer.encode("the whale ".repeat(20_000)) as number[];
    expect(ids.length).toBeGreaterThan(20_000);
  });
});

const problem = (metadata: Parameters<typeof ggufFile>[0]["metadata"]): string => {
  const file = expectValue(readGguf(ggufFile({ metadata: metadata! }), "m"));
  return messageOf(ggufTokenizer(file.metadata, "m"));
};
const model = (name: string) => ["tokenizer.ggml.model", text(name)] as const;
const two = ["tokenizer.ggml.tokens", texts(["a", "b"])] as const;

test.each([
  ["a kind that is not read", [model("rwkv")]],
  ["no tokens", [model("llama")]],
  ["no scores", [model("llama"), two]],
  ["types of another number", [model("llama"), two, ["tokenizer.ggml.token_type", i32s([1])]]],
  ["a cut that is not known", [model("gpt2"), two, ["tokenizer.ggml.pre", text("kimi-k2")]]],
  ["a cut that is an object's own", [model("gpt2"), two, ["tokenizer.ggml.pre", text("constructor")]]],
] as const)("refused: %s", (_, metadata) => {
  expect(problem(metadata)).toMatchSnapshot();
});

test("a file without a tokenizer has none", () => {
  const file = expectValue(readGguf(ggufFile({ metadata: [model("none")] }), "m"));
  expect(ggufTokenizer(file.metadata, "m")).toBeUndefined();
});

describe("conversations", () => {
  const chat = (...metadata: readonly (readonly [string, ReturnType<typeof text>])[]) =>
    ggufChat(expectValue(readGguf(ggufFile({ metadata }), "m.gguf")).metadata, "m.gguf");
  const tokens = ["tokenizer.ggml.tokens", texts(["<s>", "</s>", "a", "|"])] as const;

  test("have the template of the file, with the texts of the tokens that it names", () => {
    expect(
      chat(
        tokens,
        ["tokenizer.chat_template", text("{{ bos_token }}")],
        ["tokenizer.ggml.bos_token_id", u32(0)],
        ["tokenizer.ggml.eos_token_id", u32(1)],
        ["tokenizer.ggml.seperator_token_id", u32(3)],
      ),
    ).toEqual({ chat_template: "{{ bos_token }}", bos_token: "<s>", eos_token: "</s>", sep_token: "|" });
    expect(chat(tokens)).toEqual({});
  });

  test("are refused where the file says no text, or an id beyond its vocabulary", () => {
    expect(messageOf(chat(["tokenizer.chat_template", u32(1)]))).toContain(
      "expected `tokenizer.chat_template`",
    );
    expect(
      messageOf(chat(tokens, ["tokenizer.chat_template", text("")], ["tokenizer.ggml.bos_token_id", u32(9)])),
    ).toContain("to be an id below 4");
  });
});

test("what stands around a text is left out where the text brings it itself", () => {
  const tokenizer = expectValue(ggufTokenizer(metadataOf("llama"), "llama")!);
  const [first, ...rest] = expectValue(tokenizer.encode("Hello there") as readonly number[]);
  expect(first).toBe(1);
  expect(tokenizer.encodeBare!("Hello there")).toEqual(rest);
});
