import { dtypeBytes, type Dtype } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import { Problem, showSizes } from "./problem.ts";
import type { StoredTensor } from "./stored.ts";
import type { StatedSize } from "./unpacking.ts";

/** The third byte of an IDX file (http://yann.lecun.com/exdb/mnist, "The IDX file format"). */
const dtypeOfCode: { readonly [code: number]: Dtype } = {
  0x08: "u8",
  0x09: "i8",
  0x0b: "i16",
  0x0c: "i32",
  0x0d: "f32",
  0x0e: "f64",
};

/** Whether a file begins as an IDX file does: two zero bytes, a known type, and an axis at least. */
export const isIdx = (bytes: Uint8Array): boolean =>
  bytes[0] === 0 && bytes[1] === 0 && dtypeOfCode[bytes[2] ?? 0] !== undefined && bytes[3] !== 0;

/**
 * The array of an IDX file, as the digits of MNIST come: two zero bytes, a type, the number of axes, their sizes in 32
 * bits, the elements; all of it with the highest byte first.
 */
export function readIdx(bytes: Uint8Array, name: string): StoredTensor | Problem {
  const dtype = dtypeOfCode[bytes[2] ?? 0];
  if (dtype === undefined || !isIdx(bytes)) return notIdx(bytes, name);
  const axes = bytes[3]!;
  const start = 4 + 4 * axes;
  if (bytes.length < start)
    return new Problem(
      "E716",
      `${name}: the file is truncated: expected at least ${start} bytes, found ${bytes.length}`,
    );
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const shape = Array.from({ length: axes }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = sizeOf(shape) * dtypeBytes[dtype];
  if (expected !== bytes.length - start)
    return new Problem(
      "E716",
      `${name}: ${dtype}${showSizes(shape)} takes ${expected} bytes, but the file has ${bytes.length - start} after its header`,
    );
  return { dtype, shape, bytes: reversed(bytes.subarray(start), dtypeBytes[dtype]) };
}

/** The size of an IDX file by its beginning. */
export function statedIdxSize(start: Uint8Array): StatedSize {
  const header = 4 + 4 * (start[3] ?? 0);
  if (start.length < header) return { needs: header };
  const view = new DataView(start.buffer, start.byteOffset, start.length);
  const shape = Array.from({ length: start[3]! }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { total: header + sizeOf(shape) * dtypeBytes[dtypeOfCode[start[2]!]!] };
}

function notIdx(bytes: Uint8Array, name: string): Problem {
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  const codes = Object.keys(dtypeOfCode).map((code) => Number(code).toString(16).padStart(2, "0"));
  return new Problem(
    "E715",
    `${name}: expected an IDX file, which begins with 00 00, a type (${codes.join(" ")}) and the number of axes; found ` +
      (start === "" ? "an empty file" : start),
  );
}

/** Elements with their lowest byte first. */
function reversed(bytes: Uint8Array, width: number): Uint8Array {
  if (width === 1) return bytes;
  const turned = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    const place = at % width;
    turned[at - place + (width - 1 - place)] = bytes[at]!;
  }
  return turned;
}

/** An IDX file of bytes. */
export function writeIdx(shape: readonly number[], elements: Uint8Array): Uint8Array {
  const file = new Uint8Array(4 + 4 * shape.length + elements.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0x0800 | shape.length);
  for (const [axis, size] of shape.entries()) view.setUint32(4 + 4 * axis, size);
  file.set(elements, 4 + 4 * shape.length);
  return file;
}
