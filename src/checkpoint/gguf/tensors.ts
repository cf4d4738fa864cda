import { sizeOf } from "../../tensor/host.ts";
import type { QuantizedTensor } from "../../tensor/quantized.ts";
import type { CheckpointTensor } from "../match.ts";
import { Problem } from "../problem.ts";
import type { StoredTensor } from "../stored.ts";
import { parseGgufHeader, type GgufEntry } from "./header.ts";
import { decodeBlocks, formOfLayout, isPackable, packBlocks } from "./layout.ts";
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
    tensors: new Map(header.entries.map((entry) => [entry.name, ggufTensor(entry, read)])),
  };
}

/**
 * A tensor that is read when it is asked for. Blocks are decoded to float32, and may be had as codes; what has no blocks keeps
 * its dtype.
 */
export function ggufTensor({ type, shape, start, end }: GgufEntry, read: ReadRange): CheckpointTensor {
  const { dtype = "f32", layout } = type;
  if (layout === undefined) return { dtype, shape, read: () => ({ dtype, shape, bytes: read(start, end) }) };
  const decoded: CheckpointTensor = {
    dtype,
    shape,
    read: (): StoredTensor => {
      const values = new Float32Array(sizeOf(shape));
      decodeBlocks(layout, read(start, end), values);
      return { dtype, shape, bytes: new Uint8Array(values.buffer) };
    },
  };
  if (!isPackable(shape)) return decoded;
  const packed = (): QuantizedTensor => packBlocks(layout, shape, read(start, end));
  return { ...decoded, quantized: { form: formOfLayout(layout), read: packed } };
}
