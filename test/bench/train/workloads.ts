import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { hostTensor, sizeOf } from "../../../src/tensor/host.ts";
import { RandomStream } from "../../../src/tensor/random.ts";
import type { Workload } from "./task.ts";

const here = import.meta.dirname;
const examples = join(here, "../../../examples");

/** Rows of bytes of an IDX file: two zeros, the type (8: bytes), how many axes, their sizes as 32 bits each, the data. */
function readBytes(name: string): { readonly count: number; readonly bytes: Uint8Array } {
  const file = gunzipSync(readFileSync(join(examples, "data", name)));
  if (file.readUInt16BE(0) !== 0 || file[2] !== 8) throw new Error(`${name} is no IDX file of bytes`);
  return { count: file.readUInt32BE(4), bytes: file.subarray(4 + 4 * file[3]!) };
}

/** The seed's classifier on the first 250 shuffled batches of the digits that the examples bring. */
export function digits(): Workload {
  const [count, batch, pixels] = [250, 32, 784];
  const images = readBytes("digits-images.idx.gz");
  const labels = readBytes("digits-labels.idx.gz");
  const order = Array.from({ length: images.count }, (_, row) => row);
  const random = new RandomStream(7, "digits");
  for (let row = order.length - 1; row > 0; row--) {
    const other = random.below(row + 1);
    [order[row], order[other]] = [order[other]!, order[row]!];
  }
  const rows = order.slice(0, count * batch);
  const pixelsOf = (row: number) => Array.from(images.bytes.subarray(row * pixels, (row + 1) * pixels));
  return {
    model: "digits",
    about: `the classifier of digits, 784-256-256-10 with batch norm and a residual edge, Adam, batch ${batch}`,
    path: join(here, "digits.lmg"),
    settings: {},
    inputs: hostTensor(
      "f32",
      [count, batch, pixels],
      rows.flatMap((row) => pixelsOf(row).map((byte) => Math.fround(byte / 255))),
    ),
    targets: hostTensor(
      "i32",
      [count, batch],
      rows.map((row) => labels.bytes[row]!),
    ),
  };
}

/** nanoGPT's small model of characters, batch 12, with tokens of which the first are the most frequent. */
export function languageModel(): Workload {
  const sizes = { vocab: 65, ctx: 64, dim: 128, heads: 4, depth: 4 };
  const [count, batch] = [20, 12];
  const random = new RandomStream(7, "tokens");
  const shape = [count, batch, sizes.ctx];
  const token = (): number => Math.floor(random.uniform() ** 2 * sizes.vocab);
  const tokens = () => hostTensor("i32", shape, Array.from({ length: sizeOf(shape) }, token));
  return {
    model: "lm",
    about:
      `the language model, ${sizes.depth} layers, ${sizes.heads} heads, width ${sizes.dim}, ${batch} × ${sizes.ctx} tokens ` +
      `of ${sizes.vocab}, AdamW, clipped`,
    path: join(examples, "chars.lmg"),
    settings: sizes,
    inputs: tokens(),
    targets: tokens(),
  };
}
