import { sizeOf } from "../../tensor/host.ts";
import type { CheckpointTensor } from "../match.ts";
import { partsOfRange } from "../parts.ts";
import { Problem } from "../problem.ts";
import type { StoredTensor } from "../stored.ts";
import { parseGgufHeader, type GgufEntry } from "./header.ts";
import {
  decodeBlocks,
  formOfLayout,
  isPackable,
  packBlocks,
  packedBeside,
  sharedArrays,
  type Arrays,
} from "./layout.ts";
import type { Metadata } from "./metadata.ts";

/** The bytes of a file from `start` to `end`. */
export type ReadRange = (start: number, end: number) => Uint8Array;

/** A GGUF file as it is: tensors by llama.cpp's names, with their values as the file has them. */
export interface Gguf {
  readonly metadata: Metadata;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/** The GGUF file that these bytes are, its tensors read from them when they are asked for; or what is wrong with it. */
export function readGguf(bytes: Uint8Array, name: string): Gguf | Problem {
  const header = parseGgufHeader(bytes, bytes.length, name);
  if (header instanceof Problem) return header;
  // All of it is at hand: more is wanted only where the header goes on behind the end, which is refused.
  if ("needs" in header) return new Problem("E731", `${name}: the file is truncated within its header`);
  const read: ReadRange = (start, end) => bytes.subarray(start, end);
  return {
    metadata: header.metadata,
    tensors: ggufTensors(header.entries, read),
  };
}

/**
 * The tensors of a file, each read when it is asked for, all of it or a part: `ranges` may give the same memory each time, and
 * all of them make parts in the same. Blocks are decoded to float32, and may be had as codes; what has no blocks keeps its dtype.
 */
export function ggufTensors(
  entries: readonly GgufEntry[],
  read: ReadRange,
  ranges: ReadRange = read,
): ReadonlyMap<string, CheckpointTensor> {
  const arrays = sharedArrays();
  return new Map(entries.map((entry) => [entry.name, ggufTensor(entry, read, ranges, arrays)]));
}

function ggufTensor(
  { type, shape, start, end }: GgufEntry,
  read: ReadRange,
  ranges: ReadRange,
  arrays: Arrays,
): CheckpointTensor {
  const { dtype = "f32", layout } = type;
  if (layout === undefined) {
    const whole = (): StoredTensor => ({ dtype, shape, bytes: read(start, end) });
    return { dtype, shape, read: whole, readPart: partsOfRange({ dtype, start }, ranges) };
  }
  const { elements, bytes } = layout;
  /** The bytes of whole blocks. */
  const blocks = (from: number, to: number): Uint8Array =>
    ranges(start + (from / elements) * bytes, start + (to / elements) * bytes);
  const decoded: CheckpointTensor = {
    dtype,
    shape,
    read: (): StoredTensor => {
      const values = new Float32Array(sizeOf(shape));
      decodeBlocks(layout, read(start, end), values);
      return { dtype, shape, bytes: new Uint8Array(values.buffer) };
    },
    readPart: (first, last) => {
      const [from, to] = [first - (first % elements), Math.ceil(last / elements) * elements];
      const values = new Float32Array(to - from);
      decodeBlocks(layout, blocks(from, to), values);
      const part = values.subarray(first - from, last - from);
      return {
        dtype,
        shape: [last - first],
        bytes: new Uint8Array(part.buffer, part.byteOffset, part.byteLength),
      };
    },
  };
  if (!isPackable(shape)) return decoded;
  const width = shape.at(-1)!;
  return {
    ...decoded,
    quantized: {
      form: formOfLayout(layout),
      read: () => packBlocks(layout, shape, read(start, end)),
      readRows: (first, last) =>
        packBlocks(layout, [last - first, width], blocks(first * width, last * width), arrays),
      readBeside: (first, last) =>
        packedBeside(
          layout,
          (last - first) * width,
          (from, to) => blocks(first * width + from, first * width + to),
          arrays,
        ),
    },
  };
}
