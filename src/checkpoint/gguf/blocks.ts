import { codebookDecoders } from "./codebooks.ts";
import { kDecoders } from "./k-blocks.ts";
import { halfAt, type DecodeBlocks } from "./scales.ts";

const { fround } = Math;

/** 32 elements: a scale, then 16 bytes; their lower halves are the first 16 elements. Adding -0 changes nothing, not even a -0. */
const decodeQ4 =
  (size: number, hasMinimum: boolean): DecodeBlocks =>
  (bytes, into) => {
    const codes = hasMinimum ? 4 : 2;
    for (let block = 0, at = 0; block < into.length; block += 32, at += size) {
      const scale = halfAt(bytes, at);
      const [zero, minimum] = hasMinimum ? [0, halfAt(bytes, at + 2)] : [8, -0];
      for (let i = 0; i < 16; i++) {
        const pair = bytes[at + codes + i]!;
        into[block + i] = fround(scale * ((pair & 15) - zero)) + minimum;
        into[block + 16 + i] = fround(scale * ((pair >> 4) - zero)) + minimum;
      }
    }
  };

/** The same with a fifth bit of each element, in four bytes before the others. */
const decodeQ5 =
  (size: number, hasMinimum: boolean): DecodeBlocks =>
  (bytes, into) => {
    const bits = hasMinimum ? 4 : 2;
    for (let block = 0, at = 0; block < into.length; block += 32, at += size) {
      const scale = halfAt(bytes, at);
      const [zero, minimum] = hasMinimum ? [0, halfAt(bytes, at + 2)] : [16, -0];
      for (let i = 0; i < 16; i++) {
        const pair = bytes[at + bits + 4 + i]!;
        const low = (pair & 15) | (bitOf(bytes, at + bits, i) << 4);
        const high = (pair >> 4) | (bitOf(bytes, at + bits, i + 16) << 4);
        into[block + i] = fround(scale * (low - zero)) + minimum;
        into[block + 16 + i] = fround(scale * (high - zero)) + minimum;
      }
    }
  };

const bitOf = (bytes: Uint8Array, at: number, index: number): number =>
  (bytes[at + (index >> 3)]! >> (index & 7)) & 1;

const decodeQ8: DecodeBlocks = (bytes, into) => {
  const codes = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let block = 0, at = 0; block < into.length; block += 32, at += 34) {
    const scale = halfAt(bytes, at);
    for (let i = 0; i < 32; i++) into[block + i] = scale * codes[at + 2 + i]!;
  }
};

export const blockDecoders = {
  Q4_0: decodeQ4(18, false),
  Q4_1: decodeQ4(20, true),
  Q5_0: decodeQ5(22, false),
  Q5_1: decodeQ5(24, true),
  Q8_0: decodeQ8,
  ...kDecoders,
  ...codebookDecoders,
} as const satisfies Readonly<Record<string, DecodeBlocks>>;
