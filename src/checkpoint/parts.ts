import { dtypeBytes } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import type { StoredTensor } from "./stored.ts";

/** Elements of a tensor from one up to another. */
export type ReadPart = (first: number, end: number) => StoredTensor;

/** A tensor that is read whole, and perhaps in parts. */
interface ReadTensor extends Pick<StoredTensor, "dtype" | "shape"> {
  readonly read: () => StoredTensor;
  readonly readPart?: ReadPart;
}

/** Reads elements of a tensor from one up to another; of one that is read whole, all are there until its last are asked for. */
export function partsOf(tensor: ReadTensor): ReadPart {
  const { dtype, shape, read, readPart } = tensor;
  if (readPart !== undefined) return readPart;
  const width = dtypeBytes[dtype];
  const size = sizeOf(shape);
  let whole: StoredTensor | undefined;
  return (first, end) => {
    const { bytes } = (whole ??= read());
    if (end === size) whole = undefined;
    return { dtype, shape: [end - first], bytes: bytes.subarray(width * first, width * end) };
  };
}

/** Reads parts of a tensor whose elements follow each other in a file, by the bytes of a range. */
export const partsOfRange =
  (
    { dtype, start }: Pick<StoredTensor, "dtype"> & { readonly start: number },
    read: (start: number, end: number) => Uint8Array,
  ): ReadPart =>
  (first, end) => {
    const width = dtypeBytes[dtype];
    return { dtype, shape: [end - first], bytes: read(start + width * first, start + width * end) };
  };
