import { describe, expect, test } from "vitest";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";
import { expectValue, messageOf } from "../checkpoint/fixtures.ts";

const vocab = { a: 0, b: 1, ab: 2 };
const plain = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [],
  normalizer: null,
  pre_tokenizer: null,
  post_processor: null,
  decoder: null,
  model: { type: "BPE", vocab, merges: [["a", "b"]] },
};
const added = {
  id: 3,
  content: "<s>",
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
};

const read = (change: object) => huggingFaceTokenizer({ ...plain, ...change }, {}, "tokenizer.json");
const model = (change: object) => ({ model: { ...plain.model, ...change } });
const split = (pattern: string) => ({
  pre_tokenizer: { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false },
});
let nested: object = { type: "Lowercase" };
for (let depth = 0; depth < 100; depth++) nested = { type: "Sequence", normalizers: [nested] };

describe("a tokenizer.json is refused when it is read, by the name of what is not done", () => {
  test.each([
    ["another version", { version: "2.0" }, "`version` is `2.0`: only 1.0 is known"],
    ["no model", { model: null }, "`model`: expected an object, found null"],
    [
      "a member of no known meaning",
      { postnormalizer: {} },
      "`postnormalizer` is an object: `tokenizers` has no such member",
    ],
    [
      "one within a section",
      model({ byte_fall_back: true }),
      "`model.byte_fall_back` is true: `tokenizers` has no such member there",
    ],
    [
      "another type",
      { decoder: { type: "Nope" } },
      "`decoder.type` is `Nope`: known are BPEDecoder, ByteFallback,",
    ],
    ["no type", { normalizer: {} }, "`normalizer.type`: expected a text, it is missing"],
    [
      "merges at random",
      model({ dropout: 0.1 }),
      "`model.dropout` is 0.1: merges would be left out at random",
    ],
    [
      "a merge of three",
      model({ merges: ["a b c"] }),
      "`model.merges`: expected a list of pairs; pair 0 is none",
    ],
    [
      "a merge of what it lacks",
      model({ merges: [["a", "c"]] }),
      "`model.merges[0]`: the vocabulary lacks `c`",
    ],
    [
      "a merge into what it lacks",
      model({ merges: [["b", "a"]] }),
      "`model.merges[0]`: the vocabulary lacks `ba`",
    ],
    [
      "an id that is none",
      model({ vocab: { a: -1 } }),
      "`model.vocab.a`: expected an id, a whole number from 0, found -1",
    ],
    [
      "an id that is too large",
      model({ vocab: { a: 2 ** 32 } }),
      "`model.vocab`: the id 4294967296 is too large",
    ],
    ["two tokens with an id", model({ vocab: { a: 0, b: 0 } }), "`model.vocab`: `a` and `b` have the id 0"],
    [
      "a flag that is none",
      model({ fuse_unk: "yes" }),
      "`model.fuse_unk`: expected true or false, found `yes`",
    ],
    [
      "an unknown id beyond the vocabulary",
      { model: { type: "Unigram", vocab: [["a", -1]], unk_id: 1 } },
      "`model.unk_id`: expected an id below 1",
    ],
    [
      "a score that is none",
      { model: { type: "Unigram", vocab: [["a"]] } },
      "`model.vocab`: expected a list of [token, score]",
    ],
    [
      "an added token with another id",
      { added_tokens: [{ ...added, id: 7 }] },
      "`added_tokens[0].id` is 7: `<s>` is not in the vocabulary, and the next free id is 3",
    ],
    [
      "an added token with the id of another",
      { added_tokens: [{ ...added, content: "ab" }] },
      "`added_tokens[0].id` is 3: `ab` has the id 2",
    ],
    [
      "added tokens that become one",
      {
        normalizer: { type: "Lowercase" },
        added_tokens: [
          { ...added, normalized: true },
          { ...added, id: 4, content: "<S>", normalized: true },
        ],
      },
      "`added_tokens`: the normalizer makes `<s>` of `<s>` and `<S>`",
    ],
    [
      "an added token without text",
      {
        normalizer: { type: "Strip", strip_left: true, strip_right: true },
        added_tokens: [{ ...added, content: " ", normalized: true }],
      },
      "`added_tokens`: the normalizer makes nothing of ` `",
    ],
    [
      "cuts by script",
      { pre_tokenizer: { type: "UnicodeScripts" } },
      "`pre_tokenizer.type` is `UnicodeScripts`: lmg does not cut texts by script",
    ],
    [
      "a scheme that contradicts itself",
      {
        pre_tokenizer: {
          type: "Metaspace",
          replacement: "_",
          prepend_scheme: "first",
          add_prefix_space: false,
        },
      },
      "`pre_tokenizer.add_prefix_space` is false: `prepend_scheme` is `first`",
    ],
    [
      "two characters for a blank",
      { pre_tokenizer: { type: "Metaspace", replacement: "__" } },
      "`pre_tokenizer.replacement`: expected one character",
    ],
    [
      "an unknown behaviour",
      { pre_tokenizer: { type: "Punctuation", behavior: "Kept" } },
      "`pre_tokenizer.behavior`: expected Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous",
    ],
    [
      "rules that cannot be read",
      { normalizer: { type: "Precompiled", precompiled_charsmap: "AAAA" } },
      "`normalizer.precompiled_charsmap` is `AAAA`: the rules cannot be read",
    ],
    ["sections without end", { normalizer: nested }, "nested more than 32 sections deep"],
    [
      "a template with a token that it lacks",
      {
        post_processor: {
          type: "TemplateProcessing",
          single: [{ SpecialToken: { id: "x", type_id: 0 } }],
          pair: [],
          special_tokens: {},
        },
      },
      "`post_processor.single[0].SpecialToken.id`: expected one of `special_tokens`",
    ],
    [
      "a template without the text",
      { post_processor: { type: "TemplateProcessing", single: [], pair: [], special_tokens: {} } },
      "`post_processor.single` is []: lmg reads a text once",
    ],
    [
      "tokens around a text twice",
      {
        post_processor: {
          type: "Sequence",
          processors: [1, 2].map((id) => ({ type: "BertProcessing", cls: ["a", id], sep: ["b", id] })),
        },
      },
      "`post_processor.processors` is [",
    ],
    [
      "padding of another kind",
      { padding: { strategy: "Longest" } },
      "`padding.strategy`: expected BatchLongest or {Fixed: length}",
    ],
    [
      "a pattern with a reference",
      split("(a)\\1"),
      "`pre_tokenizer.pattern.Regex`: the pattern `(a)\\1` cannot be read: `\\1` is not known",
    ],
    ["a pattern that extends blanks", split("(?x: a )"), "the group `(?x: ` is not known"],
    ["a pattern with an unknown property", split("\\p{Klingon}"), "the property `Klingon` is not known"],
    ["a pattern with an unknown class", split("[[:vowel:]]"), "the class `[:vowel:]` is not known"],
    ["a pattern that repeats twice", split("(?:a**)"), "a repetition is repeated"],
    ["a pattern that repeats what may be empty", split("(a|b?)*"), "what may be empty is repeated"],
    ["a pattern that negates in a negation", split("[^[^a]]"), "`[^…]` stands in `[^…]`"],
    ["a pattern that is not closed", split("(a"), "a `(` is not closed"],
    ["a pattern that folds long", split("(?i:strasse)"), "`(?i)` would take one character for"],
    [
      "a pattern without end",
      split("a|".repeat(6000)),
      "the pattern has 12000 characters; at most 10000 are read",
    ],
    ["a pattern of groups in groups", split("(".repeat(4000)), "groups stand more than 50 deep in groups"],
    [
      "a pattern of brackets in brackets",
      split("[".repeat(4000)),
      "brackets stand more than 20 deep in brackets",
    ],
    [
      "texts that grow and grow",
      {
        normalizer: {
          type: "Sequence",
          normalizers: Array.from({ length: 20 }, () => ({
            type: "Replace",
            pattern: { String: "a" },
            content: "aaaaaaaaaa",
          })),
        },
      },
      "they may make a text more than 1000 times as long",
    ],
    ["a pattern that folds far", split("(?i:\\p{Lu})"), "the property `Lu` stands in `(?i)`"],
  ])("%s", (_, change, message) => {
    expect(messageOf(read(change))).toContain(`E741 tokenizer.json: `);
    expect(messageOf(read(change))).toContain(message);
  });
});

describe("truncation and padding", () => {
  const file = {
    truncation: { direction: "Right", max_length: 3, strategy: "LongestFirst", stride: 0 },
    padding: {
      strategy: { Fixed: 8 },
      direction: "Right",
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: "b",
    },
  };
  const tokenizer = expectValue(read(file));

  test("cut a prompt, but not a text of a training, and pad neither", () => {
    expect(tokenizer.encode("aaaaa")).toEqual([0, 0, 0]);
    expect(tokenizer.encodeWhole("aaaaa")).toEqual([0, 0, 0, 0, 0]);
    expect(tokenizer.encode("a")).toEqual([0]);
  });

  test("are spoken of", () => {
    expect(tokenizer.remarks([0])).toEqual([
      "tokenizer.json asks for padding, which is left out: a single text needs none",
    ]);
    expect(tokenizer.remarks([0, 0, 0])[0]).toBe("tokenizer.json cuts a text to 3 tokens");
  });
});
