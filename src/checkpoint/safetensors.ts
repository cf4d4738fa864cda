import { dtypeBytes } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import { invariant } from "../support/invariant.ts";
import { Problem } from "./problem.ts";
import { LENGTH_BYTES, parseHeader, readHeaderLength } from "./safetensors-header.ts";
import type { StoredTensor } from "./stored.ts";

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * The tensors of a safetensors file (https://github.com/huggingface/safetensors#format), as views into `bytes`; or what
 * is wrong with it. `name` stands in front of the message. Takes memory for the header only, whatever the file claims.
 */
export function readSafetensors(bytes: Uint8Array, name: string): Safetensors | Problem {
  const length = readHeaderLength(bytes.subarray(0, LENGTH_BYTES), bytes.length, name);
  if (length instanceof Problem) return length;
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length), bytes.length, name);
  if (header instanceof Problem) return header;
  const tensors = new Map<string, StoredTensor>();
  for (const { name: tensor, dtype, shape, start, end } of header.entries)
    tensors.set(tensor, { dtype, shape, bytes: bytes.subarray(start, end) });
  return { tensors, metadata: header.metadata };
}

/**
 * A safetensors file. As the reference implementation writes it: wide elements first, then by name, so that every
 * tensor is aligned; the header padded with blanks to a multiple of 8 bytes.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const sorted = [...tensors].sort(
    ([a, s], [b, t]) => dtypeBytes[t.dtype] - dtypeBytes[s.dtype] || (a < b ? -1 : 1),
  );
  const fields: [string, unknown][] =
    metadata.size === 0 ? [] : [["__metadata__", Object.fromEntries(metadata)]];
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of sorted) {
    invariant(bytes.length === sizeOf(shape) * dtypeBytes[dtype], `${name}: the bytes do not fill the shape`);
    const start = end;
    end += bytes.length;
    fields.push([name, { dtype: dtype.toUpperCase(), shape, data_offsets: [start, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(LENGTH_BYTES + headerLength + end).fill(
    0x20,
    LENGTH_BYTES,
    LENGTH_BYTES + headerLength,
  );
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerLength;
  for (const [, { bytes }] of sorted) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}
