import { elementBytes } from "./elements.ts";
import { WeightsError } from "./error.ts";

/** Where a tensor stands in a safetensors file, in bytes from its start. */
export interface FileEntry {
  readonly tensor: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly begin: number;
  readonly end: number;
}

/** The length of the header, which the first 8 bytes say. */
export function headerLength(first: Uint8Array, fileSize: number): number {
  if (first.length < 8) throw new WeightsError([`not a safetensors file: it has ${fileSize} bytes`]);
  const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true));
  if (length > fileSize - 8)
    throw new WeightsError([
      `not a safetensors file, or cut off: the header says ${length} bytes, there are ${fileSize - 8}`,
    ]);
  // The limit of the reference implementation.
  if (length > 100_000_000)
    throw new WeightsError([`not a safetensors file: the header says ${length} bytes`]);
  return length;
}

/** The tensors of a file, by the bytes of its header. */
export function readEntries(header: Uint8Array, fileSize: number): readonly FileEntry[] {
  const start = 8 + header.length;
  const space = fileSize - start;
  return Object.entries(parseHeader(header))
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => {
      const { dtype, shape, begin, end } = readEntry(name, entry);
      const width = elementBytes.get(dtype);
      if (width === undefined) throw new WeightsError([`the tensor ${name} has the unknown dtype ${dtype}`]);
      const size = shape.reduce((product, length) => product * length, 1);
      if (end - begin !== size * width)
        throw new WeightsError([
          `the tensor ${name} needs ${size * width} bytes, its offsets span ${end - begin}`,
        ]);
      if (end > space)
        throw new WeightsError([`the file is cut off: ${name} ends at byte ${end} of ${space}`]);
      return { tensor: name, dtype, shape, size, begin: start + begin, end: start + end };
    });
}

function parseHeader(bytes: Uint8Array): object {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new WeightsError(["the header of the safetensors file is not JSON"]);
  }
  if (typeof header !== "object" || header === null || Array.isArray(header))
    throw new WeightsError(["the header of the safetensors file is not an object"]);
  return header;
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function readEntry(
  name: string,
  entry: unknown,
): { dtype: string; shape: number[]; begin: number; end: number } {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const isShape = Array.isArray(shape) && shape.every(isSize);
  const isRange =
    Array.isArray(offsets) && offsets.length === 2 && offsets.every(isSize) && offsets[0]! <= offsets[1]!;
  if (typeof dtype !== "string" || !isShape || !isRange)
    throw new WeightsError([`the header's entry of ${name} has no dtype, shape and data_offsets`]);
  return { dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}
