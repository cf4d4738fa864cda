import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { graphemesOf } from "../../src/text/huggingface/graphemes.ts";

const golden = new URL("../golden/text/tokenizer_files.json", import.meta.url);
const { texts } = JSON.parse(readFileSync(golden, "utf8")) as {
  readonly texts: Readonly<Record<string, string>>;
};

const whole = (text: string): string[] =>
  Array.from(new Intl.Segmenter("und", { granularity: "grapheme" }).segment(text), ({ segment }) => segment);

test.each([0, 1, 2, 3, 255])("the clusters of a text are those of its windows, moved by %d", (shift) => {
  const text = "x".repeat(shift) + Object.values(texts).join("") + "🇩🇪".repeat(200);
  expect(Array.from(graphemesOf(text))).toEqual(whole(text));
});

test("a cluster that is longer than a window is one", () => {
  const text = `a${"\u0301".repeat(2000)}b`;
  expect(Array.from(graphemesOf(text))).toEqual([text.slice(0, -1), "b"]);
});

test("a text may be long: each of its clusters costs the same", () => {
  expect(Array.from(graphemesOf("é🐋".repeat(300_000)))).toHaveLength(600_000);
});
