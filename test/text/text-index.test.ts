import { expect, test } from "vitest";
import fc from "fast-check";
import { TextList } from "../../src/checkpoint/gguf/text-list.ts";
import { TextIndex } from "../../src/text/gguf/text-index.ts";

const utf8 = new TextEncoder();

test("a text is found by its bytes, the first of equals, as in a map", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme", maxLength: 3 }), { maxLength: 60 }),
      fc.string({ unit: "grapheme", maxLength: 3 }),
      (texts, other) => {
        const index = new TextIndex(TextList.of(texts));
        for (const text of [...texts, other]) {
          const bytes = utf8.encode(`<${text}>`);
          const first = texts.indexOf(text);
          expect(index.find(bytes, 1, bytes.length - 1)).toBe(first < 0 ? undefined : first);
        }
      },
    ),
    { seed: 1 },
  );
});

test("a list of texts gives each by its place, and nothing beyond", () => {
  const texts = ["a", "", "▁é", "日本"];
  const list = TextList.of(texts);
  expect(list.all()).toEqual(texts);
  expect([-1, 0.5, 4].map((index) => list.at(index))).toEqual([undefined, undefined, undefined]);
  expect(list.length).toBe(4);
});
