import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { JsonObject } from "../../src/checkpoint/json.ts";
import { orThrow } from "../../src/checkpoint/problem.ts";
import { huggingFaceTokenizer } from "../../src/text/huggingface/tokenizer.ts";

/** What Hugging Face's `tokenizers` leaves of two texts at every length (`test/golden/texts.py`). */
const { cases } = JSON.parse(readFileSync("test/golden/text/pairs.json", "utf8")) as {
  readonly cases: readonly {
    readonly name: string;
    readonly tokenizer: JsonObject;
    readonly rows: readonly {
      readonly first: string;
      readonly second: string;
      readonly longest: number;
      readonly side: string;
      readonly ids: readonly number[];
      readonly types: readonly number[];
    }[];
  }[];
};

test.each(cases)("two texts are put together and cut as by the template of $name", ({ tokenizer, rows }) => {
  expect(rows.length).toBeGreaterThan(60);
  for (const { first, second, longest, side, ids, types } of rows) {
    const read = orThrow(huggingFaceTokenizer(tokenizer, { truncation_side: side }, "tokenizer.json"));
    const found = orThrow(read.encodeWithin([first, second], longest));
    expect([longest, found.ids, found.types]).toEqual([longest, ids, types]);
  }
});

test("a template for pairs that lacks one of them is refused where a pair is read", () => {
  const file = structuredClone(cases[0]!.tokenizer) as { post_processor: { pair: unknown[] } };
  file.post_processor.pair.splice(1, 1);
  const read = orThrow(huggingFaceTokenizer(file as unknown as JsonObject, {}, "tokenizer.json"));
  expect(read.encodeWithin(["a"], 9)).not.toHaveProperty("code");
  expect(read.encodeWithin(["a", "a"], 9)).toMatchObject({ code: "E742" });
});
