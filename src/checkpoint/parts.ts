import { dtypeBytes } from "../tensor/dtype.ts";
import { sizeOf } from "../tensor/host.ts";
import type { CheckpointTensor } from "./match.ts";
import type { StoredTensor } from "./stored.ts";

/** Reads elements of a tensor from one up to another; of one that is read whole, all are there until its last are asked for. */
export function partsOf(tensor: CheckpointTensor): (first: number, end: number) => StoredTensor {
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
  ): NonNullable<CheckpointTensor["readPart"]> =>
  (first, end) => {
    const width = dtypeBytes[dtype];
    return { dtype, shape: [end - first], bytes: read(start + width * first, start + width * end) };
  };
