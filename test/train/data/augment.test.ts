import { describe, expect, test } from "vitest";
import { writeNpy } from "../../../src/checkpoint/npy.ts";
import { hostTensor } from "../../../src/tensor/host.ts";
import type { DataSource } from "../../../src/train/data/source.ts";
import { messageOf } from "../../checkpoint/fixtures.ts";
import { open, rowModel, rowsOf, textSource, tokenModel, tryOpen } from "./wanted.ts";

const [height, width] = [4, 5];
const rows = 12;
const elements = height * width;
const shift = { augment: [{ input: "image", name: "shift", pixels: 1 }] } as const;

const npy = (feeds: string, shape: readonly number[], values: readonly number[]): DataSource => ({
  name: `${feeds}.npy`,
  bytes: writeNpy(hostTensor(feeds === "label" ? "i32" : "f32", shape, values)),
  feeds,
});

/** Images whose pixels all differ and are not 0. */
const pixels = Array.from({ length: rows * elements }, (_, index) => index + 1);
const images = npy("image", [rows, height, width], pixels);
const labels = npy(
  "label",
  [rows],
  Array.from({ length: rows }, (_, row) => row % 10),
);
const model = rowModel(String(elements));
const original = (row: number): readonly number[] => pixels.slice(row * elements, (row + 1) * elements);

/** The image moved down and to the right, written out from the definition. */
const moved = (image: readonly number[], down: number, right: number): readonly number[] =>
  Array.from({ length: elements }, (_, at) => {
    const [y, x] = [Math.floor(at / width) - down, (at % width) - right];
    return y < 0 || y >= height || x < 0 || x >= width ? 0 : image[y * width + x]!;
  });

const distances = [-1, 0, 1].flatMap((down) => [-1, 0, 1].map((right) => [down, right] as const));

describe("images that are shifted", () => {
  const batches = open(model, [images, labels], { batch: 4, validation: [], ...shift });
  /** Which row each image is, and where it was moved. */
  const found = Array.from({ length: 60 }, (_, index) => batches.at(index)).flatMap((batch) =>
    rowsOf(batch, "image").map((image) => {
      const row = Math.floor((Math.max(...image) - 1) / elements);
      const place = distances.findIndex(
        ([down, right]) => moved(original(row), down, right).join() === image.join(),
      );
      return { row, place };
    }),
  );

  test("are the images of the file, moved by at most a pixel; what comes in is 0", () => {
    expect(found.every(({ place }) => place >= 0)).toBe(true);
    expect(new Set(found.map(({ row }) => row)).size).toBe(rows);
  });

  test("are moved each way equally often", () => {
    const counts = distances.map((_, place) => found.filter((image) => image.place === place).length);
    // 240 draws of nine places: 26.7 expected with a deviation of 4.9; four deviations either way.
    for (const count of counts) expect(Math.abs(count - 240 / 9)).toBeLessThan(4 * 4.9);
  });

  test("are the same for the same seed and number, and others for another", () => {
    const again = open(model, [images, labels], { batch: 4, validation: [], ...shift });
    const other = open(model, [images, labels], { batch: 4, validation: [], seed: 2, ...shift });
    expect(again.at(7)).toEqual(batches.at(7));
    expect(other.at(7)).not.toEqual(batches.at(7));
  });

  test("are as they are in the validation part", () => {
    const kept = open(model, [images, labels], { batch: 4, validation: 4, ...shift });
    const shown = Array.from(kept.validation(), ({ tensors }) => rowsOf(tensors, "image")).flat();
    expect(shown.length).toBe(4);
    const all = Array.from({ length: rows }, (_, row) => original(row).join());
    for (const image of shown) expect(all).toContain(image.join());
  });

  test("are told in the description", () => {
    expect(batches.description).toBe(
      "image from image.npy; label from label.npy; image shifted by up to 1 pixel; 12 rows for training, none for validation",
    );
  });
});

test("rows that are no images, and texts, cannot be shifted", () => {
  const flat = npy("image", [rows, elements], pixels);
  expect(messageOf(tryOpen(model, [flat, labels], shift))).toMatchInlineSnapshot(
    `"E760 image.npy: \`image\` cannot be shifted, as its rows [20] are no images | give the array as [rows, height, width]"`,
  );
  expect(messageOf(tryOpen(tokenModel(), [textSource("to be or not to be")], shift))).toMatchInlineSnapshot(
    `"E760 book.txt: a text cannot be augmented as \`image\` is to be"`,
  );
});
