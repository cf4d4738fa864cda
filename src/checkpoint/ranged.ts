import { RECOGNIZED_BY } from "./formats.ts";
import { parseGgufHeader, type GgufHeader } from "./gguf/header.ts";
import { ggufTensors, type Gguf } from "./gguf/tensors.ts";
import { partsOfRange } from "./parts.ts";
import { misplaced, places, type Place } from "./places.ts";
import { Problem, ProblemError, quote } from "./problem.ts";
import { LENGTH_BYTES, parseHeader, readHeaderLength, type SafetensorsHeader } from "./safetensors-header.ts";
import type { CheckpointTensor } from "./tensors.ts";

/**
 * A file of which ranges of bytes are read: one on a disk, or one that a page was given. What cannot be read is thrown as a
 * `ProblemError`.
 */
export interface RangedFile {
  /** What messages call it. */
  readonly name: string;
  readonly size: number;
  readonly read: (start: number, end: number) => Uint8Array;
  /** The same, which may be overwritten by the next range that is read so. */
  readonly readBriefly: (start: number, end: number) => Uint8Array;
}

/** What stands in a file that may be in a place, by its first bytes; that it cannot be read is a problem as any other. */
function readIn<T>(file: RangedFile, place: Place, read: () => T | Problem): T | Problem {
  try {
    return misplaced(file.read(0, Math.min(RECOGNIZED_BY, file.size)), place, file.name) ?? read();
  } catch (error) {
    if (error instanceof ProblemError) return error.problems[0]!;
    throw error;
  }
}

/** Puts the tensors of a safetensors file to those of a checkpoint: its header is read, they are when they are asked for. */
export function addTensors(
  file: RangedFile,
  place: Place,
  tensors: Map<string, CheckpointTensor>,
): Problem | undefined {
  const header = readIn(file, place, () => readHeader(file));
  if (header instanceof Problem) return header;
  for (const { name: tensor, start, end, ...type } of header.entries) {
    if (tensors.has(tensor))
      return new Problem("E709", `${file.name}: ${quote(tensor)} is also in another file of the checkpoint`);
    tensors.set(tensor, {
      ...type,
      read: () => ({ ...type, bytes: file.read(start, end) }),
      readPart: partsOfRange({ ...type, start }, file.readBriefly),
      places: [{ path: file.name, start, end }],
    });
  }
  return undefined;
}

function readHeader({ name, size, read }: RangedFile): SafetensorsHeader | Problem {
  const length = readHeaderLength(read(0, Math.min(LENGTH_BYTES, size)), size, name);
  if (length instanceof Problem) return length;
  return parseHeader(read(LENGTH_BYTES, LENGTH_BYTES + length), size, name, { takesScaled: true });
}

/** The metadata and tensors of a GGUF file, or of a part of one, with the header that `headerOf` reads. */
export function rangedGguf(
  file: RangedFile,
  headerOf: (file: RangedFile) => GgufHeader | Problem = readGgufHeader,
): Gguf | Problem {
  const header = readIn(file, places.weights, () => headerOf(file));
  if (header instanceof Problem) return header;
  return { metadata: header.metadata, tensors: ggufTensors(header.entries, file.read, file.readBriefly) };
}

/** How much of a file's beginning is read at first, in bytes; vocabularies ask for some megabytes more: so much more each time. */
const FIRST = 2 ** 20;
const GROWTH = 8;

/** Reads as much of a file's beginning as its header has; what the header keeps of it are copies. */
export function readGgufHeader({ name, size, readBriefly }: RangedFile): GgufHeader | Problem {
  let known = 0;
  const further = (length: number): Uint8Array => {
    known = Math.min(size, Math.max(length, FIRST, GROWTH * known));
    return readBriefly(0, known);
  };
  const header = parseGgufHeader(new Uint8Array(0), size, name, further);
  if (header instanceof Problem || !("needs" in header)) return header;
  return new Problem("E731", `${name}: the file is truncated within its header`);
}
