import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { finderOf, type AddedToken } from "../../src/text/huggingface/added-tokens.ts";
import { MAX_TOKEN_LENGTH } from "../../src/text/huggingface/prefix-index.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";
import { leastProcessorTime } from "../support/processor-time.ts";

interface Golden {
  readonly cases: readonly { readonly name: string; readonly file: JsonObject }[];
}

const path = new URL("../golden/text/tokenizer_files.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(path, "utf8")) as Golden;
const modelOf = (file: JsonObject): string => (file["model"] as { readonly type: string }).type;

/** Scripts, marks, blanks, halves of characters and bytes that are no text, in an order that does not come again soon. */
const hard = (length: number): string => {
  const parts = [
    "hello ",
    "wörld",
    "  \t\n",
    "日本",
    "e\u0301",
    "😀",
    "\ud800",
    "▁",
    "İ",
    "<s>",
    "123",
    "\u200d",
    "'s",
    "#",
  ];
  let text = "";
  for (let at = 0; text.length < length; at = (at * 31 + 7) % 1009) text += parts[at % parts.length]!;
  return text.slice(0, length);
};

const texts: readonly (readonly [string, (length: number) => string])[] = [
  ["one character", (length) => "a".repeat(length)],
  ["one that no token has", (length) => "\u{10fffd}".repeat(length / 2)],
  ["blanks", (length) => " ".repeat(length)],
  ["a hard mix", hard],
];

/**
 * A text 32 times as long: 32 times the time if it is linear, 1024 if it is the square. The limit lies as far from the one as
 * from the other, since collected garbage and what the compiler of V8 has not yet made fast can treble either.
 */
const expectLinear = (
  run: (text: string) => unknown,
  make: (length: number) => string,
  length: number,
): void => {
  const [short, long] = [make(length / 4), make(8 * length)];
  run(short);
  const ratio = leastProcessorTime(() => run(long), 3) / leastProcessorTime(() => run(short), 9);
  expect(ratio).toBeLessThan(180);
};

describe("time grows with the length of a text, not with its square:", () => {
  const named = cases.filter(({ file }) => ["WordPiece", "WordLevel", "Unigram"].includes(modelOf(file)));

  test.each(named)("$name", ({ file }) => {
    const tokenizer = expectValue(huggingFaceTokenizer(file, {}, "tokenizer.json"));
    for (const [, make] of texts) expectLinear((text) => tokenizer.encode(text), make, 10_000);
  });
});

const plain = { version: "1.0", added_tokens: [], model: undefined };
const token = {
  id: 1,
  content: "",
  isSingleWord: false,
  takesLeft: false,
  takesRight: false,
  isNormalized: false,
};
const added = (sought: string, change: Partial<AddedToken> = {}): AddedToken => ({
  ...{ ...token, isSpecial: true, sought },
  ...change,
});

describe("tokens that are looked for first", () => {
  test("a run of blanks is walked once, whatever tokens of blanks take on their left and right", () => {
    const find = finderOf([
      added("  ", { takesLeft: true }),
      added("   ", { takesRight: true }),
      added("    ", { takesLeft: true, takesRight: true }),
      added(" \n"),
    ]);
    for (const unit of [" ", "   \n", " \t", "a  "])
      expectLinear(find, (length) => unit.repeat(length / unit.length), 40_000);
  });

  test("many lengths cost no more than the longest", () => {
    const some = Array.from({ length: 200 }, (_, size) => added(`${"a".repeat(size + 1)}b`));
    const find = finderOf(some);
    expectLinear(find, (length) => "a".repeat(length), 4_000);
    expect(find(`${"a".repeat(250)}b`)).toMatchObject([
      { start: 0, end: 50 },
      { start: 50, end: 251 },
    ]);
  });
});

describe("a token that is longer than any text is read ahead for is refused by its place:", () => {
  const long = "a".repeat(MAX_TOKEN_LENGTH + 1);
  const models = {
    WordPiece: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 1e9,
      vocab: { "[UNK]": 0, [long]: 1 },
    },
    Unigram: {
      type: "Unigram",
      unk_id: 0,
      vocab: [
        ["<unk>", 0],
        [long, -1],
      ],
    },
  };

  test.each(Object.entries(models))("%s", (_name, model) => {
    const read = huggingFaceTokenizer({ ...plain, model }, {}, "tokenizer.json");
    expect(messageOf(read)).toContain("`model.vocab`: the token");
    expect(messageOf(read)).toContain("has 513 characters; lmg finds tokens of at most 512");
  });

  test("added tokens", () => {
    expect(() => finderOf([added(long)])).toThrow("`added_tokens`: the token");
    expect(finderOf([added("a".repeat(MAX_TOKEN_LENGTH))])("a".repeat(600))).toHaveLength(2);
  });
});

test("a word of WordPiece is cut at the longest token that goes on with it", () => {
  const vocab = { "[UNK]": 0, a: 1, "##a": 2, "##ab": 3, "##": 4, "##abc#": 5, "#": 6 };
  const model = {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 9,
  };
  const file = { version: "1.0", added_tokens: [], model: { ...model, vocab } };
  const tokenizer = expectValue(huggingFaceTokenizer(file, {}, "tokenizer.json"));
  expect(["aaba", "aab#", "##", "aabc#"].map((word) => tokenizer.encode(word))).toEqual([
    [1, 3, 2],
    [0],
    [4],
    [1, 5],
  ]);
});
