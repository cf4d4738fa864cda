import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { writeIdx } from "../../../src/checkpoint/idx.ts";
import { writeNpy } from "../../../src/checkpoint/npy.ts";
import { writeSafetensors } from "../../../src/checkpoint/safetensors.ts";
import { toStored } from "../../../src/checkpoint/stored.ts";
import type { Dtype } from "../../../src/tensor/dtype.ts";
import { hostTensor } from "../../../src/tensor/host.ts";
import type { Batches } from "../../../src/train/data/batches.ts";
import type { DataSource } from "../../../src/train/data/source.ts";
import { fixture, fixtureValues, messageOf } from "../../checkpoint/fixtures.ts";
import { open, rowModel, rowsOf, textSource, tryOpen } from "./wanted.ts";

const npy = (
  dtype: Dtype,
  shape: readonly number[],
  values: readonly number[],
  name: string,
): DataSource => ({
  name: `${name}.npy`,
  bytes: writeNpy(hostTensor(dtype, shape, values)),
  feeds: name,
});

const count = (length: number): number[] => Array.from({ length }, (_, index) => index);

/** `rows` rows, each six times its number; its label is the last digit of its number. */
const images = (rows: number): DataSource =>
  npy(
    "f32",
    [rows, 6],
    count(rows).flatMap((row) => new Array<number>(6).fill(row)),
    "image",
  );
const labels = (rows: number): DataSource =>
  npy(
    "i32",
    [rows],
    count(rows).map((row) => row % 10),
    "label",
  );

/** The numbers of the rows of some batches, whose labels must be theirs. */
function rowNumbers(batches: Iterable<ReturnType<Batches["at"]>>): number[] {
  return Array.from(batches, (batch) => {
    const numbers = rowsOf(batch, "image").map(([first]) => first!);
    expect(rowsOf(batch, "label").flat()).toEqual(numbers.map((row) => row % 10));
    return numbers;
  }).flat();
}

const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

describe("rows of arrays", () => {
  const batches = open(rowModel(), [images(50), labels(50)], { batch: 8, validation: 10 });
  const epoch = (number: number): number[] =>
    rowNumbers(count(batches.perEpoch).map((index) => batches.at(number * batches.perEpoch + index)));
  const validation = rowNumbers(Array.from(batches.validation(), ({ tensors }) => tensors));

  test("are described", () => {
    expect(batches.description).toBe(
      "image from image.npy; label from label.npy; 40 rows for training, 10 for validation",
    );
    expect(batches.unit).toBe("samples");
    expect(batches.size).toBe(8);
    expect(batches.perEpoch).toBe(5);
  });

  test("are each trained on once an epoch, in another order each time; or kept for validation", () => {
    expect(sorted([...epoch(0), ...validation])).toEqual(count(50));
    expect(sorted([...epoch(1), ...validation])).toEqual(count(50));
    expect(epoch(0)).not.toEqual(epoch(1));
    expect(epoch(0)).not.toEqual(sorted(epoch(0)));
    expect(validation).toHaveLength(10);
    expect(validation).not.toEqual(count(10));
  });

  test("come by the seed and the number of the batch alone", () => {
    const other = (seed: number) =>
      open(rowModel(), [images(50), labels(50)], { batch: 8, validation: 10, seed });
    expect(other(1).at(13)).toEqual(batches.at(13));
    batches.at(2);
    expect(other(1).at(13)).toEqual(batches.at(13));
    expect(other(2).at(13)).not.toEqual(batches.at(13));
  });

  test("of the validation part come in the same order, the last batch with what is left", () => {
    const weights = (limit?: number) => Array.from(batches.validation(limit), ({ weight }) => weight);
    expect(weights()).toEqual([8, 2]);
    expect(weights(1)).toEqual([8]);
    expect(rowNumbers(Array.from(batches.validation(), ({ tensors }) => tensors))).toEqual(validation);
  });

  test("that do not fill a batch are a shorter one at the end of an epoch", () => {
    const odd = open(rowModel(), [images(50), labels(50)], { batch: 12, validation: 0 });
    expect(odd.perEpoch).toBe(5);
    expect(odd.description).toContain(
      "50 rows for training, none for validation; the last batch of an epoch has 2 rows",
    );
    const sizes = count(10).map((index) => odd.at(index)["label"]!.shape[0]);
    expect(sizes).toEqual([12, 12, 12, 12, 2, 12, 12, 12, 12, 2]);
    expect(count(10).map((index) => odd.unitsOf!(index))).toEqual(sizes);
    for (const epoch of [0, 1, 7]) {
      const seen = rowNumbers(count(5).map((index) => odd.at(5 * epoch + index)));
      expect(sorted(seen)).toEqual(count(50));
    }
    expect([...odd.validation()]).toEqual([]);
  });

  test("that are one too few for the statistics of a batch norm are left out, which is said", () => {
    const model = rowModel()
      .replace("{", "{\n      let norm = batchnorm")
      .replace("linear(", "bn: norm -> linear(");
    const sources = [images(49), labels(49)];
    const odd = open(model, sources, { batch: 12, validation: 0 });
    expect(odd.perEpoch).toBe(4);
    expect(odd.description).toMatch(
      /; 1 row left out of each epoch, others each time: batch_statistics bn \(.*\): expected more than one value a channel/,
    );
    expect(open(model, sources, { batch: 7, validation: 0 }).perEpoch).toBe(7);
    expect(messageOf(tryOpen(model, sources, { batch: 1, validation: 0 }))).toMatch(
      /no training step can run with batches of this size: batch_statistics bn \(/,
    );
  });

  test("that do not fill a batch are left out, others each time, where the model says how large it is", () => {
    const odd = open(rowModel("6", "12"), [images(50), labels(50)], { batch: 12, validation: 0 });
    expect(odd.description).toContain(
      "; 2 rows left out of each epoch, others each time: the model takes 12 rows at a time",
    );
    expect(odd.perEpoch).toBe(4);
    const missing = (number: number): number[] => {
      const seen = new Set(rowNumbers(count(4).map((index) => odd.at(4 * number + index))));
      expect(seen.size).toBe(48);
      return count(50).filter((row) => !seen.has(row));
    };
    expect(new Set(count(6).map((number) => missing(number).join())).size).toBeGreaterThan(1);
    expect([...odd.validation()]).toEqual([]);
  });

  test("may have files of their own for validation, which are read in their order", () => {
    const both = open(rowModel(), [images(50), labels(50)], { validation: [images(5), labels(5)], batch: 4 });
    expect(both.description).toContain("50 rows for training, 5 for validation");
    expect(rowNumbers(Array.from(both.validation(), ({ tensors }) => tensors))).toEqual(count(5));
    const none = open(rowModel(), [images(50), labels(50)], { validation: [] });
    expect(none.description).toContain("50 rows for training, none for validation");
  });

  test("come in whole batches only to a model that says how large they are", () => {
    const fixed = open(rowModel("6", "8"), [images(50), labels(50)], { batch: 8, validation: 20 });
    expect(Array.from(fixed.validation(), ({ weight }) => weight)).toEqual([8, 8]);
  });
});

describe("arrays", () => {
  test("of bytes are divided by 255 for a float input, and a row may have another shape of as many elements", () => {
    const bytes = new Uint8Array(gzipSync(writeIdx([2, 2, 3], Uint8Array.from([...count(11), 255]))));
    const batches = open(rowModel(), [{ name: "image.gz", bytes, feeds: "image" }, labels(2)], {
      validation: 0,
    });
    expect(batches.description).toBe(
      "image from image.gz, bytes / 255; label from label.npy; 2 rows for training, none for validation",
    );
    const rows = rowsOf(batches.at(0), "image").toSorted((a, b) => a[0]! - b[0]!);
    expect(batches.at(0)["image"]).toMatchObject({ dtype: "f32", shape: [2, 6] });
    // numpy.float32(v) / numpy.float32(255), printed as float64.
    expect(rows[0]).toEqual([
      0, 0.003921568859368563, 0.007843137718737125, 0.0117647061124444, 0.01568627543747425,
      0.019607843831181526,
    ]);
    expect(rows[1]![5]).toBe(1);
  });

  test("that NumPy wrote are found by their names in one file", () => {
    const model = `
      model named {
        input a: f32[B, 3]
        linear(3)
        output logits: f32[B, 3]
        train { target b: i32[B]; loss (logits, b) -> cross_entropy }
      }`;
    const batches = open(model, [{ name: "stored.npz", bytes: fixture("stored.npz") }], { validation: 0 });
    expect(batches.description).toContain("a from stored.npz: a; b from stored.npz: b");
    const rows = rowsOf(batches.at(0), "a").map((row, at) => [...row, ...rowsOf(batches.at(0), "b")[at]!]);
    // numpy.arange(6) in rows of three, and the labels 1 and 2.
    expect(rows.toSorted((a, b) => a[0]! - b[0]!)).toEqual([
      [0, 1, 2, 1],
      [3, 4, 5, 2],
    ]);
  });

  test("of NumPy in Fortran order, and of 64 bits, are rows and floats of 32 bits", () => {
    const { values } = fixtureValues["f8_fortran"]!;
    const source = { name: "x.npy", bytes: fixture("f8_fortran.npy"), feeds: "image" };
    // The file is [2, 3, 4].
    const batches = open(rowModel("12"), [source, labels(2)], { validation: 0 });
    const rows = rowsOf(batches.at(0), "image").toSorted(([a], [b]) => a! - b!);
    expect(rows.flat()).toEqual(values.map((value) => Math.fround(value)));
  });

  test("of a safetensors file feed by name, or alone whatever their name", () => {
    const tensors = new Map([
      ["image", toStored(hostTensor("f32", [2, 6], count(12)))],
      ["label", toStored(hostTensor("i64", [2], [1, 2]))],
      ["other", toStored(hostTensor("f32", [5], count(5)))],
    ]);
    const both = { name: "data.safetensors", bytes: writeSafetensors(tensors) };
    expect(open(rowModel(), [both], { validation: 0 }).description).toContain(
      "image from data.safetensors: image; label from data.safetensors: label; 2 rows",
    );
    const one = writeSafetensors(new Map([["x", tensors.get("image")!]]));
    const named = { name: "one.safetensors", bytes: one, feeds: "image" };
    expect(open(rowModel(), [named, labels(2)], { validation: 0 }).description).toContain(
      "image from one.safetensors; label from label.npy",
    );
  });

  const sequences = (length: number): string => `
    model sequences {
      input tokens: i32[B, T <= 5]
      input mask: bool[B, T] = true
      embedding(50, 4) -> linear(50)
      output logits: f32[B, T, 50]
      train { target next: i32[B, ${length === 0 ? "T" : length}]; loss (logits, next) -> cross_entropy(ignore: -100) }
    }`;
  const tokens = npy("i32", [3, 4], count(12), "tokens");
  const next = npy("i32", [3, 4], [-100, ...count(11)], "next");

  test("of tokens bind run-time dims by their sizes; ignored targets are out of range", () => {
    const batches = open(sequences(0), [tokens, next], { validation: 0 });
    expect(batches.at(0)["tokens"]!.shape).toEqual([2, 4]);
    expect(Object.keys(batches.at(0))).toEqual(["tokens", "next"]);
    const mask = npy("bool", [3, 4], new Array<number>(12).fill(1), "mask");
    expect(Object.keys(open(sequences(0), [tokens, mask, next]).at(0))).toEqual(["tokens", "mask", "next"]);
  });

  test("with targets that a loss ignores, but a metric does not, do not fit", () => {
    const measured = sequences(0).replace(
      "ignore: -100)",
      "ignore: -100); metric (logits, next) -> accuracy",
    );
    expect(messageOf(tryOpen(measured, [tokens, next]))).toBe(
      "E758 next.npy: row 0 has -100, but `next` takes whole numbers from 0 to 49 | where it stands for none, every loss and metric that reads it needs `ignore: -100`",
    );
    open(measured.replace("-> accuracy", "-> accuracy(ignore: -100)"), [tokens, next], { validation: 0 });
  });

  test("that make a run-time dim two sizes, or too large, do not fit", () => {
    expect(messageOf(tryOpen(sequences(0), [tokens, npy("i32", [3, 3], count(9), "next")]))).toBe(
      "E759 next.npy: a row is [3], but `next` is i32[B, T]: T is 4 already",
    );
    const long = ["tokens", "next"].map((name) => npy("i32", [3, 6], count(18), name));
    expect(messageOf(tryOpen(sequences(0), long))).toBe(
      "E759 the data makes T 6, but the model takes at most 5",
    );
  });
});

describe("arrays that do not fit", () => {
  const twelve = npy("f32", [2, 6], count(12), "image");
  const feeds = (source: DataSource, name: string | undefined): DataSource => ({ ...source, feeds: name });
  test.each<[string, readonly DataSource[], object, string]>([
    [
      "have another number of rows",
      [images(50), labels(49)],
      {},
      "E757 image.npy has 50 rows for `image`, but label.npy has 49 rows for `label`",
    ],
    [
      "have no rows",
      [npy("f32", [0, 6], [], "image"), labels(2)],
      {},
      "E757 image.npy: the array [0, 6] has no rows",
    ],
    [
      "are one number",
      [npy("f32", [], [1], "image"), labels(2)],
      {},
      "E757 image.npy: the array [] has no rows",
    ],
    [
      "have rows of another size",
      [npy("f32", [2, 5], count(10), "image"), labels(2)],
      {},
      "E759 image.npy: a row is [5], but `image` is f32[B, 6]",
    ],
    [
      "have rows of another size and elements out of range",
      [twelve, npy("i32", [2, 2], [50, 51, 52, 53], "label")],
      {},
      "E759 label.npy: a row is [2], but `label` is i32[B]",
    ],
    [
      "have labels out of range",
      [twelve, npy("i32", [2], [3, 10], "label")],
      {},
      "E758 label.npy: row 1 has 10, but `label` takes whole numbers from 0 to 9",
    ],
    [
      "have a label for none that nothing ignores",
      [twelve, npy("i32", [2], [3, -1], "label")],
      {},
      "E758 label.npy: row 1 has -1, but `label` takes whole numbers from 0 to 9 | where it stands for none, every loss and metric that reads it needs `ignore: -1`",
    ],
    [
      "have labels that are not whole",
      [twelve, npy("f32", [2], [0.5, 1], "label")],
      {},
      "E758 label.npy: row 0 has 0.5, but `label` takes whole numbers from 0 to 9",
    ],
    [
      "have an element that is no number",
      [npy("f32", [2, 6], [...count(11), NaN], "image"), labels(2)],
      {},
      "E758 image.npy: row 1 has NaN, but `image` takes numbers",
    ],
    [
      "leave an input without data",
      [labels(2)],
      {},
      "E754 the data has nothing for `image` | name a file for it: --data image=FILE",
    ],
    [
      "are for an input that is not there",
      [feeds(twelve, "imag"), labels(2)],
      {},
      "E754 image.npy: the model has no input or target `imag` | did you mean `image`?",
    ],
    [
      "are for an input with a name far from all",
      [feeds(twelve, "pixels"), labels(2)],
      {},
      "E754 image.npy: the model has no input or target `pixels` | it reads `image` and `label`",
    ],
    [
      "do not say what they feed",
      [feeds(twelve, undefined), labels(2)],
      {},
      "E754 image.npy: an array must say what it feeds: `image` or `label` | name it: image=image.npy",
    ],
    [
      "feed what is fed",
      [twelve, { ...twelve, name: "again.npy" }, labels(2)],
      {},
      "E754 again.npy: `image` is fed already, from image.npy",
    ],
    [
      "stand beside a text",
      [twelve, textSource("seven")],
      {},
      "E754 book.txt: expected an array (.npy, .npz, .safetensors, IDX), found text" +
        " | a text stands alone: it feeds the input and the target",
    ],
    [
      "have other names",
      [{ name: "stored.npz", bytes: fixture("stored.npz") }],
      {},
      "E754 stored.npz: expected an array `image` or `label`, found `a` and `b`",
    ],
    [
      "have other names than the one asked for",
      [{ name: "stored.npz", bytes: fixture("stored.npz"), feeds: "label" }],
      {},
      "E754 stored.npz: expected an array `label`, found `a` and `b`",
    ],
    [
      "are no .npy",
      [{ ...twelve, bytes: new TextEncoder().encode("six") }, labels(2)],
      {},
      "E711 image.npy: expected a .npy file, but it does not begin with \\x93NUMPY",
    ],
    [
      "are fewer than a batch",
      [images(50), labels(50)],
      { batch: 64 },
      "E756 45 rows to train on cannot fill a batch of 64 | ask for a smaller batch or keep fewer rows for validation",
    ],
    [
      "are all kept for validation",
      [images(50), labels(50)],
      { validation: 50 },
      "E756 image.npy: 50 rows for validation would leave none of 50 to train on",
    ],
    [
      "have less than no rows for validation",
      [images(50), labels(50)],
      { validation: -1 },
      "E756 validation: expected a share below 1 or a whole number of rows, found -1",
    ],
    [
      "lack their labels for validation",
      [images(50), labels(50)],
      { validation: [images(5)] },
      "E754 the validation data has nothing for `label` | name a file for it: --validation label=FILE",
    ],
  ])("%s", (_, sources, options, message) => {
    expect(messageOf(tryOpen(rowModel(), sources, options))).toBe(message);
  });

  test("hold integers that no int32 holds", () => {
    const bytes = new Uint8Array(BigInt64Array.of(1n, 2n ** 40n, 3n).buffer);
    const file = writeSafetensors(new Map([["label", { dtype: "i64", shape: [3], bytes }]]));
    const sources = [images(3), { name: "label.safetensors", bytes: file }];
    expect(messageOf(tryOpen(rowModel(), sources))).toBe(
      "E708 label.safetensors: label: element 1 is 1099511627776, which does not fit in 32 bits with a sign",
    );
  });
});

describe("the digits that are shipped", () => {
  const read = (what: string) => ({
    name: `digits-${what}.idx.gz`,
    bytes: new Uint8Array(
      readFileSync(new URL(`../../../examples/data/digits-${what}.idx.gz`, import.meta.url)),
    ),
    feeds: what.slice(0, -1),
  });
  const model = readFileSync(new URL("../../../examples/digits.lmg", import.meta.url), "utf8");
  const batches = open(model, [read("images"), read("labels")], { batch: 32, validation: 2000 });

  test("make the batches of the seed's experiment", () => {
    expect(batches.description).toBe(
      "image from digits-images.idx.gz, bytes / 255; label from digits-labels.idx.gz; 8,000 rows for training, " +
        "2,000 for validation",
    );
    expect(batches.perEpoch).toBe(250);
  });

  test("are those of the package", () => {
    const classes = new Array<number>(10).fill(0);
    let [sum, ink] = [0, 0];
    const all = [
      ...count(250).map((index) => batches.at(index)),
      ...Array.from(batches.validation(), ({ tensors }) => tensors),
    ];
    for (const { image, label } of all) {
      for (const value of label!.data) classes[value]!++;
      for (const value of image!.data) {
        sum += Math.round(value * 255);
        ink += Number(value !== 0);
      }
    }
    // Counted in Python from the package's own files.
    expect(classes).toEqual([1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    expect([sum, ink]).toEqual([262146600, 1502215]);
  });
});
