import { Problem, quote, showSizes } from "../../checkpoint/problem.ts";
import type { Augmentation } from "../../lower/train/augment.ts";
import { plural } from "../../support/text.ts";
import { randomTable } from "../../tensor/random.ts";
import { makeData, type HostTensor } from "../../tensor/host.ts";
import type { Batch } from "./batches.ts";
import type { Column } from "./columns.ts";

/** Changes the training batch of that number at random: a function of the seed and the number. */
export type Augment = (batch: Batch, index: number) => Batch;

/** How the columns of a training are augmented; each image column has rows `[.., height, width]` in its file. */
export function augmentOf(
  columns: readonly Column[],
  augmentations: readonly Augmentation[],
  seed: number,
): Augment | Problem {
  const shifts: { readonly column: Column; readonly pixels: number }[] = [];
  for (const { input, pixels } of augmentations) {
    const column = columns.find(({ wanted }) => wanted.name === input);
    if (column === undefined) continue;
    if (column.shape.length < 2)
      return new Problem(
        "E760",
        `${column.from}: ${quote(input)} cannot be shifted, as its rows ${showSizes(column.shape)} are no images`,
        "give the array as [rows, height, width]",
      );
    shifts.push({ column, pixels });
  }
  return (batch, index) => {
    const changed = shifts.map(({ column, pixels }) => {
      const { name } = column.wanted;
      const word = randomTable(seed, `shift ${name}`);
      return [name, shifted(batch[name]!, column.shape, pixels, (draw) => word(index, draw))] as const;
    });
    return { ...batch, ...Object.fromEntries(changed) };
  };
}

/** `image by up to 1 pixel`. */
export const describeAugmentation = ({ input, pixels }: Augmentation): string =>
  `${input} shifted by up to ${plural(pixels, "pixel")}`;

/**
 * Each row, an image `[.., height, width]`, moved by a whole number of pixels from -`most` to `most` along both axes; what
 * comes in from outside is 0. `word` gives 32 random bits a draw.
 */
function shifted(
  images: HostTensor,
  shape: readonly number[],
  most: number,
  word: (draw: number) => number,
): HostTensor {
  const [height, width] = [shape.at(-2)!, shape.at(-1)!];
  const data = makeData(images.dtype, images.data.length);
  const rows = images.shape[0]!;
  const lines = images.data.length / width;
  const linesOfRow = lines / rows;
  const distance = (draw: number): number => Math.floor((word(draw) / 2 ** 32) * (2 * most + 1)) - most;
  for (let row = 0; row < rows; row++) {
    const [down, right] = [distance(2 * row), distance(2 * row + 1)];
    for (let line = row * linesOfRow; line < (row + 1) * linesOfRow; line++) {
      const y = (line % height) - down;
      if (y < 0 || y >= height) continue;
      const from = (line - down) * width;
      const kept = images.data.subarray(from + Math.max(0, -right), from + width - Math.max(0, right));
      data.set(kept, line * width + Math.max(0, right));
    }
  }
  return { ...images, data };
}
