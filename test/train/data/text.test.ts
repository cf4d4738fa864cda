import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { tokenizerFor } from "../../../src/text/tokenizer-for.ts";
import { expectValue, messageOf } from "../../checkpoint/fixtures.ts";
import { open, rowsOf, textSource, tokenModel, tryOpen } from "./wanted.ts";

/** Every character is the number of its place, so that windows show where they lie: U+0100 is token 0. */
const counting = (length: number, from = 0): string =>
  Array.from({ length }, (_, place) => String.fromCodePoint(0x100 + from + place)).join("");

const model = tokenModel("T <= 8", 1000);

describe("a text", () => {
  test("feeds windows that begin anywhere in its first nine tenths, and the token after each", () => {
    const batches = open(model, [textSource(counting(200))], { batch: 3 });
    expect(batches.description).toBe("text, 180 tokens of 200 characters for training, 20 for validation");
    expect(batches.unit).toBe("tokens");
    expect(batches.size).toBe(24);
    // 179 tokens have one after them; a batch has 24.
    expect(batches.perEpoch).toBe(7);
    const seen = new Set<number>();
    for (let index = 0; index < 400; index++) {
      const tensors = batches.at(index);
      expect(tensors["tokens"]).toMatchObject({ dtype: "i32", shape: [3, 8] });
      expect(tensors["next"]).toMatchObject({ dtype: "i32", shape: [3, 8] });
      for (const [row, window] of rowsOf(tensors, "tokens").entries()) {
        const start = window[0]!;
        expect(window).toEqual(Array.from({ length: 8 }, (_, place) => start + place));
        expect(rowsOf(tensors, "next")[row]).toEqual(window.map((token) => token + 1));
        seen.add(start);
      }
    }
    // The last window of the training part ends before its last token, which is its last target. 1,200 draws miss one
    // of 172 starts with a probability of 0.1 %, 172 · (171 / 172)^1200 = 0.16 of them on average: more than three, never.
    expect(Math.min(...seen)).toBe(0);
    expect(Math.max(...seen)).toBe(171);
    expect(seen.size).toBeGreaterThan(168);
  });

  test("keeps the windows of its end for validation, one after the other, the same each time", () => {
    const batches = open(model, [textSource(counting(200))], { context: 4 });
    const starts = (limit?: number) =>
      Array.from(batches.validation(limit), ({ tensors, weight }) => [
        weight,
        ...rowsOf(tensors, "tokens").map(([first]) => first),
      ]);
    // Tokens 180 to 199: the windows begin at 180, 184, 188 and 192; the next would lack its last target.
    expect(starts()).toEqual([
      [8, 180, 184],
      [8, 188, 192],
    ]);
    expect(starts()).toEqual(starts());
    expect(starts(1)).toEqual([[8, 180, 184]]);
    const uneven = open(model, [textSource(counting(200))], { context: 4, batch: 3 });
    expect(Array.from(uneven.validation(), ({ weight }) => weight)).toEqual([12, 4]);
    expect(Array.from(uneven.validation(), ({ tensors }) => tensors["next"]!.shape)).toEqual([
      [3, 4],
      [1, 4],
    ]);
  });

  test("gives batches that depend on the seed and their number alone", () => {
    const sources = [textSource(counting(200))];
    const [one, same, other] = [1, 1, 2].map((seed) => open(model, sources, { seed }));
    expect(one!.at(7)).toEqual(same!.at(7));
    one!.at(3);
    expect(one!.at(7)).toEqual(same!.at(7));
    expect(one!.at(7)).not.toEqual(one!.at(8));
    expect(one!.at(7)).not.toEqual(other!.at(7));
  });

  test("is split as nanoGPT splits it: int(n * 0.9) tokens are trained on", () => {
    expect(open(model, [textSource(counting(95))]).description).toBe(
      "text, 85 tokens of 95 characters for training, 10 for validation",
    );
  });

  test.each([
    [0, "text, 200 tokens of 200 characters for training, none for validation", 0],
    [0.55, "text, 90 tokens of 200 characters for training, 110 for validation", 7],
    [30, "text, 170 tokens of 200 characters for training, 30 for validation", 2],
  ])("keeps %d for validation", (validation, description, count) => {
    const batches = open(model, [textSource(counting(200))], { validation });
    expect(batches.description).toBe(description);
    expect([...batches.validation()]).toHaveLength(count);
  });

  test("may have another file for validation", () => {
    const sources = [textSource(counting(100))];
    const batches = open(model, sources, { validation: [textSource(counting(20, 50), "end.txt")] });
    expect(batches.description).toBe("text, 100 tokens of 100 characters for training, 20 for validation");
    const [first] = batches.validation();
    expect(rowsOf(first!.tensors, "tokens")[0]![0]).toBe(50);
    expect(open(model, sources, { validation: [] }).description).toContain("none for validation");
  });

  test("is read from gzip, and as tokens of a tokenizer that is given", () => {
    const bytes = new Uint8Array(gzipSync("abab ".repeat(40)));
    const choice = { kind: "byte_pairs", size: 260 } as const;
    const tokenizer = expectValue(tokenizerFor("abab ".repeat(40), choice, "text"));
    const batches = open(model, [{ name: "book.txt.gz", bytes, feeds: "tokens" }], { tokenizer, context: 2 });
    // ` abab` is one token; the first word has no blank, the last blank no word.
    expect(batches.description).toBe(
      "text, 36 tokens of 259 byte-pair tokens for training, 5 for validation",
    );
  });

  test("is without the mark that says how it is encoded", () => {
    const text = "abc ".repeat(40);
    const description = "text, 144 tokens of 4 characters for training, 16 for validation";
    expect(open(model, [textSource(text)]).description).toBe(description);
    expect(open(model, [textSource(`\ufeff${text}`)]).description).toBe(description);
    const validation = [textSource(`\ufeff${text}`, "end.txt")];
    expect(open(model, [textSource(text)], { validation }).description).toContain("160 for validation");
  });

  test("may be as long as the model says, or must", () => {
    const sources = [textSource(counting(200))];
    expect(open(model, sources).at(0)["tokens"]!.shape).toEqual([2, 8]);
    expect(open(model, sources, { context: 5 }).at(0)["tokens"]!.shape).toEqual([2, 5]);
    expect(open(tokenModel("5", 1000), sources).at(0)["tokens"]!.shape).toEqual([2, 5]);
  });

  test("gives whole batches only to a model that says how large they are", () => {
    const batches = open(tokenModel("T <= 8", 1000, "3"), [textSource(counting(200))], {
      batch: 3,
      context: 4,
    });
    expect(Array.from(batches.validation(), ({ weight }) => weight)).toEqual([12]);
  });
});

describe("a text that does not fit", () => {
  const long = counting(200);
  test.each([
    ["is empty", model, "", {}, "E751 book.txt: the text is empty"],
    [
      "is too short",
      model,
      counting(8),
      { validation: 0 },
      "E752 book.txt: 8 tokens for training cannot fill a window of 8 tokens and the one after it" +
        " | give a longer text, a shorter context, or another share for validation",
    ],
    [
      "is too short at its end",
      model,
      counting(80),
      {},
      "E752 book.txt: 8 tokens for validation cannot fill a window of 8 tokens and the one after it" +
        " | give a longer text, a shorter context, or another share for validation",
    ],
    [
      "has more tokens than the model",
      tokenModel("T <= 8", 150),
      long,
      {},
      "E753 book.txt: `Ɩ` is token 150 of 200, but the model has 150 | give the model as many tokens as the tokenizer has: 200",
    ],
    [
      "is to be cut longer than the model reads",
      model,
      long,
      { context: 9 },
      "E755 a context of 9 tokens was asked for, but `tokens` is i32[B, T] with at most 8",
    ],
    [
      "is to be cut shorter than the model must read",
      tokenModel("5", 1000),
      long,
      { context: 4 },
      "E755 a context of 4 tokens was asked for, but `tokens` is i32[B, 5]",
    ],
    [
      "may be as long as it likes",
      tokenModel("T", 1000),
      long,
      {},
      "E755 the model does not say how long `tokens` may be | say how many tokens a window has with --context",
    ],
    [
      "leaves nothing to train on",
      model,
      long,
      { validation: 200 },
      "E756 book.txt: 200 tokens for validation would leave none of 200 to train on",
    ],
    [
      "is to be split in no way",
      model,
      long,
      { validation: 1.5 },
      "E756 validation: expected a share below 1 or a whole number of tokens, found 1.5",
    ],
    [
      "comes in batches of another size",
      tokenModel("T <= 8", 1000, "3"),
      long,
      {},
      "E756 a batch of 2 was asked for, but the model takes 3 rows",
    ],
    [
      "has other characters for validation",
      model,
      long,
      { validation: [textSource("ĀāĂ\né", "end.txt")] },
      "E742 end.txt: book.txt has no token for `\\u000a`, which stands in line 1 | train on a text that has this" +
        " character, or use a byte-pair tokenizer, which has tokens for all",
    ],
    [
      "has two files for validation",
      model,
      long,
      { validation: [textSource(long, "a.txt"), textSource(long, "b.txt")] },
      "E754 b.txt: a text has one file for validation; a.txt is it already",
    ],
  ])("%s", (_, wanted, text, options, message) => {
    expect(messageOf(tryOpen(wanted, [textSource(text)], options))).toBe(message);
  });

  test("is not UTF-8, or damaged, or for another input", () => {
    expect(messageOf(tryOpen(model, [{ name: "a.txt", bytes: Uint8Array.of(0x61, 0xff) }]))).toBe(
      "E703 a.txt: the text is not valid UTF-8: byte 1, in line 1, is ff | `iconv -f ENCODING -t utf-8` writes a text in UTF-8",
    );
    expect(messageOf(tryOpen(model, [{ name: "a.txt", bytes: Uint8Array.of(0xff, 0xfe, 0x61, 0) }]))).toBe(
      "E703 a.txt: the text is not valid UTF-8: byte 0, in line 1, is ff | `iconv -f utf-16 -t utf-8` writes a text in UTF-8",
    );
    expect(messageOf(tryOpen(model, [{ name: "a.txt.gz", bytes: Uint8Array.of(0x1f, 0x8b, 8) }]))).toBe(
      "E717 a.txt.gz: expected a gzip file, but it is damaged",
    );
    expect(messageOf(tryOpen(model, [{ ...textSource(long), feeds: "image" }]))).toBe(
      "E754 book.txt: the text was given for `image`, but the model reads tokens as `tokens`",
    );
    expect(messageOf(tryOpen(model, []))).toBe("E751 there is no data to train on | name a file with --data");
  });

  test("is given to a model that reads something else", () => {
    const images = `
      model images {
        input image: f32[B, 6]
        linear(10)
        output logits: f32[B, 10]
        train { target label: i32[B]; loss (logits, label) -> cross_entropy }
      }`;
    expect(messageOf(tryOpen(images, [textSource("a text")]))).toBe(
      "E754 book.txt: a text feeds one input and one target of integers [B, T]; the model wants `image`: f32[B, 6] and " +
        "`label`: i32[B] | give arrays by name, as in --data image=images.idx.gz --data label=labels.idx.gz",
    );
  });
});

test("the shipped text has as many characters as the shipped weights have tokens, in two parts", () => {
  const read = (name: string) => ({
    name,
    bytes: new Uint8Array(readFileSync(new URL(`../../../examples/data/${name}`, import.meta.url))),
  });
  // examples/weights/whale/training.json
  expect(
    open(tokenModel("T <= 256", 75), [read("moby-dick.txt.gz")], {
      validation: [read("moby-dick-validation.txt.gz")],
    }).description,
  ).toBe("text, 1,108,195 tokens of 75 characters for training, 84,540 for validation");
});
