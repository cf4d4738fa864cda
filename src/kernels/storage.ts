import { addDims, dim, floorDivideDim, multiplyDims, type Dim } from "../tensor/dim.ts";

/**
 * How the elements of a buffer lie in memory, row-major without gaps. `i4` holds two in a byte, the first in its lower
 * half; what a quantized tensor needs beside its elements (scales) is a buffer of its own.
 */
export type Storage = "f64" | "f32" | "i32" | "f16" | "bf16" | "i8" | "i4";

/** Bits of an element. */
const storageBits: { readonly [S in Storage]: number } = {
  f64: 64,
  f32: 32,
  i32: 32,
  f16: 16,
  bf16: 16,
  i8: 8,
  i4: 4,
};

/** Bytes of so many elements; a last byte that is not full counts whole. */
export function bytesOf(storage: Storage, elements: Dim): Dim {
  const bits = storageBits[storage];
  if (bits >= 8) return multiplyDims(dim(bits / 8), elements);
  const perByte = 8 / bits;
  return floorDivideDim(addDims(elements, dim(perByte - 1)), perByte);
}

/** Bytes of one element on average: a half where two lie in a byte. */
export const elementBytes = (storage: Storage): number => storageBits[storage] / 8;

/** How many elements so many bytes hold. */
export function elementsIn(storage: Storage, bytes: Dim): Dim {
  const bits = storageBits[storage];
  return bits <= 8 ? multiplyDims(dim(8 / bits), bytes) : floorDivideDim(bytes, bits / 8);
}
