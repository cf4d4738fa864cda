import { elementBytes, readElements, type Elements } from "./elements.ts";
import { WeightsError } from "./error.ts";
import { headerLength, readEntries } from "./header.ts";
import type { Tensor } from "./tensor.ts";

/** What is known of a tensor that lies in the memory of a file. */
export interface StoredElements {
  readonly isFloat: boolean;
  readonly size: number;
  /** Bytes that an element takes in the file. */
  readonly elementBytes: number;
  /** Elements from one up to another. */
  readonly read: (first: number, end: number) => Elements;
}

export const storedAs = new WeakMap<object, StoredElements>();

/** The tensors of a safetensors file. F32 data that is aligned stays where it is in the file's bytes. */
export function readSafetensors(file: Uint8Array | ArrayBuffer): Map<string, Tensor> {
  const bytes = bytesOf(file);
  const length = headerLength(bytes.subarray(0, 8), bytes.length);
  const entries = readEntries(bytes.subarray(8, 8 + length), bytes.length);
  return new Map(
    entries.map(({ tensor, dtype, shape, size, begin, end }) => [
      tensor,
      storedTensor(dtype, bytes.subarray(begin, end), shape, size),
    ]),
  );
}

/** A tensor in the memory of its file. Its elements are made when they are asked for: a model keeps those that it makes. */
function storedTensor(dtype: string, bytes: Uint8Array, shape: readonly number[], size: number): Tensor {
  const width = elementBytes.get(dtype)!;
  let made: Elements | undefined;
  const read = (first: number, end: number): Elements =>
    made?.subarray(first, end) ??
    readElements(dtype, bytes.subarray(width * first, width * end), end - first);
  const tensor = {
    shape,
    get data() {
      return (made ??= read(0, size));
    },
  };
  storedAs.set(tensor, { isFloat: dtype.includes("F"), size, elementBytes: width, read });
  return tensor;
}

/** Bytes, also those that another realm made, such as a page's frame: instanceof does not know them. */
export function bytesOf(file: unknown): Uint8Array {
  if (file instanceof Uint8Array) return file;
  if (ArrayBuffer.isView(file)) return new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  if (/^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(file)))
    return new Uint8Array(file as ArrayBuffer);
  const what = Array.isArray(file) ? "an array; of several files each is read by itself" : typeof file;
  throw new WeightsError([
    "expected the bytes of a safetensors file, as Uint8Array or ArrayBuffer, got " + what,
  ]);
}
