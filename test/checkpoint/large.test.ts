import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openGguf } from "../../src/checkpoint/files/gguf.ts";
import { openCheckpoint } from "../../src/checkpoint/files/open.ts";
import { toFloat32 } from "../../src/checkpoint/stored.ts";
import { expectValue } from "./fixtures.ts";
import { floats, ggufFile, u32 } from "./gguf/writer.ts";

/* Files of more than 4 GB, which take no room: what is not written are holes. */

const folder = mkdtempSync(join(tmpdir(), "lmg-large-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A file with some bytes at some places, and nothing between. */
function sparse(
  name: string,
  size: number,
  parts: readonly (readonly [at: number, bytes: Uint8Array])[],
): string {
  const path = join(folder, name);
  const file = openSync(path, "w");
  ftruncateSync(file, size);
  for (const [at, bytes] of parts) writeSync(file, bytes, 0, bytes.length, at);
  closeSync(file);
  return path;
}

/** Elements of a half, so that what stands behind them begins beyond 2³² bytes, and beyond 2³¹ in the middle. */
const [ROWS, WIDTH] = [2200, 2 ** 20];
const HUGE = 2 * ROWS * WIDTH;

const values = (tensor: { readonly read: () => Parameters<typeof toFloat32>[0] }): number[] =>
  Array.from(toFloat32(tensor.read()));

test("a safetensors file beyond 4 GB is read by ranges", () => {
  const header = JSON.stringify({
    first: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
    huge: { dtype: "F16", shape: [ROWS, WIDTH], data_offsets: [8, 8 + HUGE] },
    last: { dtype: "F32", shape: [2], data_offsets: [8 + HUGE, 16 + HUGE] },
  });
  const start = new Uint8Array(8 + header.length);
  new DataView(start.buffer).setUint32(0, header.length, true);
  start.set(new TextEncoder().encode(header), 8);
  const path = sparse("model.safetensors", start.length + 16 + HUGE, [
    [0, start],
    [start.length, floats(1, 2)],
    [start.length + 8 + HUGE, floats(3, 4)],
  ]);
  const { tensors, close } = expectValue(openCheckpoint(path));
  expect(tensors.get("huge")!.shape).toEqual([ROWS, WIDTH]);
  expect([values(tensors.get("first")!), values(tensors.get("last")!)]).toEqual([
    [1, 2],
    [3, 4],
  ]);
  close();
});

test("a GGUF file beyond 4 GB is read by ranges", () => {
  const tensor = (name: string, sizes: readonly number[], type: number, offset: number) => ({
    name,
    sizes,
    type,
    offset,
    bytes: new Uint8Array(),
  });
  const start = ggufFile({
    metadata: [["a", u32(1)]],
    tensors: [
      tensor("first", [2], 0, 0),
      tensor("huge", [WIDTH, ROWS], 1, 32),
      tensor("last", [2], 0, 32 + HUGE),
      tensor("blocks", [32, 2], 8, 64 + HUGE),
    ],
  });
  const blocks = new Uint8Array(68);
  blocks.set([0x00, 0x3c, 1, 2, 0xff]);
  const path = sparse("model.gguf", start.length + 64 + HUGE + blocks.length, [
    [0, start],
    [start.length, floats(1, 2)],
    [start.length + 32 + HUGE, floats(3, 4)],
    [start.length + 64 + HUGE, blocks],
  ]);
  const { tensors, close } = expectValue(openGguf(path));
  expect([values(tensors.get("first")!), values(tensors.get("last")!)]).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(values(tensors.get("blocks")!).slice(0, 4)).toEqual([1, 2, -1, 0]);
  expect(tensors.get("blocks")!.quantized!.read().codes.slice(0, 3)).toEqual(Uint8Array.of(1, 2, 255));
  close();
});
