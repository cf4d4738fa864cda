import { dtypeBytes } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import { invariant } from "../support/invariant.ts";
import { Problem } from "./problem.ts";
import { LENGTH_BYTES, parseHeader, readHeaderLength, type HeaderOptions } from "./safetensors-header.ts";
import type { StoredTensor } from "./stored.ts";

export interface Safetensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * The tensors of a safetensors file (https://github.com/huggingface/safetensors#format), as views into `bytes`; or what
 * is wrong with it. `name` stands in front of the message. Takes memory for the header only, whatever the file claims.
 */
export function readSafetensors(
  bytes: Uint8Array,
  name: string,
  options: HeaderOptions = {},
): Safetensors | Problem {
  const length = readHeaderLength(bytes.subarray(0, LENGTH_BYTES), bytes.length, name);
  if (length instanceof Problem) return length;
  const header = parseHeader(
    bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length),
    bytes.length,
    name,
    options,
  );
  if (header instanceof Problem) return header;
  const tensors = new Map<string, StoredTensor>();
  for (const { name: tensor, start, end, ...type } of header.entries)
    tensors.set(tensor, { ...type, bytes: bytes.subarray(start, end) });
  return { tensors, metadata: header.metadata };
}

/** A safetensors file of tensors that are in memory. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const readable = [...tensors].map(
    ([name, tensor]) => [name, { dtype: tensor.dtype, shape: tensor.shape, read: () => tensor }] as const,
  );
  const { bytes, parts } = safetensorsFile(new Map(readable), metadata);
  const file = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** A tensor whose bytes are read when it is its turn. */
export interface ReadableTensor extends Pick<StoredTensor, "dtype" | "shape"> {
  readonly read: () => StoredTensor;
}

/**
 * A safetensors file in parts, of which one is in memory at a time, and its size. As the reference implementation writes it:
 * wide elements first, then by name, so that every tensor is aligned; the header padded with blanks to a multiple of 8 bytes.
 */
export function safetensorsFile(
  tensors: ReadonlyMap<string, ReadableTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): { readonly bytes: number; readonly parts: Iterable<Uint8Array> } {
  const sorted = [...tensors].sort(
    ([a, s], [b, t]) => dtypeBytes[t.dtype] - dtypeBytes[s.dtype] || (a < b ? -1 : 1),
  );
  const fields: [string, unknown][] =
    metadata.size === 0 ? [] : [["__metadata__", Object.fromEntries(metadata)]];
  let end = 0;
  for (const [name, { dtype, shape }] of sorted) {
    const start = end;
    end += sizeOf(shape) * dtypeBytes[dtype];
    fields.push([name, { dtype: dtype.toUpperCase(), shape, data_offsets: [start, end] }]);
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(fields)));
  const headerLength = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(LENGTH_BYTES + headerLength).fill(0x20, LENGTH_BYTES);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerLength), true);
  header.set(json, LENGTH_BYTES);
  function* parts(): Generator<Uint8Array> {
    yield header;
    for (const [name, { dtype, shape, read }] of sorted) {
      const { bytes } = read();
      invariant(
        bytes.length === sizeOf(shape) * dtypeBytes[dtype],
        `${name}: the bytes do not fill the shape`,
      );
      yield bytes;
    }
  }
  return { bytes: header.length + end, parts: parts() };
}
