import { halfAt, type DecodeBlocks } from "./scales.ts";

/* Blocks of 256 elements in groups of 16 or 32, whose scales are quantized too (ggml-quants.c, `QK_K`). */

const { fround } = Math;
const ELEMENTS = 256;

/** Groups of 16: scale and minimum of 4 bits each; codes of 2 bits, four groups of 32 elements a run of 32 bytes. */
const decodeQ2K: DecodeBlocks = (bytes, into) => {
  for (let block = 0, at = 0; block < into.length; block += ELEMENTS, at += 84) {
    const [scale, minimum] = [halfAt(bytes, at + 80), halfAt(bytes, at + 82)];
    for (let group = 0; group < 16; group++) {
      const packed = bytes[at + group]!;
      const [step, low] = [fround(scale * (packed & 15)), fround(minimum * (packed >> 4))];
      const [codes, shift] = twoBits(at + 16, group);
      for (let i = 0; i < 16; i++) {
        const code = (bytes[codes + i]! >> shift) & 3;
        into[block + group * 16 + i] = fround(step * code) - low;
      }
    }
  }
};

/** Where the codes of a group of 16 begin, and by how many bits they are shifted. */
const twoBits = (codes: number, group: number): readonly [at: number, shift: number] => [
  codes + (group >> 3) * 32 + (group & 1) * 16,
  ((group >> 1) & 3) * 2,
];

/** Groups of 16 with scales of 6 bits; a third bit of each code in a mask, where 0 takes 4 off. */
const decodeQ3K: DecodeBlocks = (bytes, into) => {
  for (let block = 0, at = 0; block < into.length; block += ELEMENTS, at += 110) {
    const scale = halfAt(bytes, at + 108);
    for (let group = 0; group < 16; group++) {
      const step = fround(scale * (sixBits(bytes, at + 96, group) - 32));
      const [codes, shift] = twoBits(at + 32, group);
      const mask = at + (group & 1) * 16;
      for (let i = 0; i < 16; i++) {
        const low = (bytes[codes + i]! >> shift) & 3;
        const isHigh = (bytes[mask + i]! >> (group >> 1)) & 1;
        into[block + group * 16 + i] = step * (low - (isHigh === 1 ? 0 : 4));
      }
    }
  }
};

/** 16 scales of 6 bits in 12 bytes: eight with the lower halves of two each, four with the upper bits of four each. */
const sixBits = (bytes: Uint8Array, at: number, group: number): number => {
  const low = (bytes[at + (group & 7)]! >> (group < 8 ? 0 : 4)) & 15;
  const high = (bytes[at + 8 + (group & 3)]! >> ((group >> 2) * 2)) & 3;
  return low | (high << 4);
};

/** Scale and minimum of a group of 32, 6 bits each, eight pairs in 12 bytes (`get_scale_min_k4`). */
export const scaleAndMinimum = (
  bytes: Uint8Array,
  at: number,
  group: number,
): readonly [scale: number, minimum: number] => {
  if (group < 4) return [bytes[at + group]! & 63, bytes[at + group + 4]! & 63];
  const both = bytes[at + group + 4]!;
  return [(both & 15) | ((bytes[at + group - 4]! >> 6) << 4), (both >> 4) | ((bytes[at + group]! >> 6) << 4)];
};

/** Groups of 32 with scale and minimum; codes of 4 bits, two groups a run of 32 bytes, and a fifth bit in a mask. */
const decodeQ4K =
  (size: number, hasMask: boolean): DecodeBlocks =>
  (bytes, into) => {
    const codesAt = hasMask ? 48 : 16;
    for (let block = 0, at = 0; block < into.length; block += ELEMENTS, at += size) {
      const [scale, minimum] = [halfAt(bytes, at), halfAt(bytes, at + 2)];
      for (let group = 0; group < 8; group++) {
        const [step, low] = scaleAndMinimum(bytes, at + 4, group);
        const [by, off] = [fround(scale * step), fround(minimum * low)];
        const codes = at + codesAt + (group >> 1) * 32;
        const shift = (group & 1) * 4;
        for (let i = 0; i < 32; i++) {
          const fifth = hasMask ? ((bytes[at + 16 + i]! >> group) & 1) << 4 : 0;
          into[block + group * 32 + i] = fround(by * (((bytes[codes + i]! >> shift) & 15) | fifth)) - off;
        }
      }
    }
  };

/** Groups of 16 with scales of 8 bits; codes of 6 bits: four lower ones, two upper ones. */
const decodeQ6K: DecodeBlocks = (bytes, into) => {
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let block = 0, at = 0; block < into.length; block += ELEMENTS, at += 210) {
    const scale = halfAt(bytes, at + 208);
    for (let group = 0; group < 16; group++) {
      const step = fround(scale * signed[at + 192 + group]!);
      const [half, run, side] = [group >> 3, (group >> 1) & 3, (group & 1) * 16];
      const low = at + half * 64 + (run & 1) * 32 + side;
      const high = at + 128 + half * 32 + side;
      for (let i = 0; i < 16; i++) {
        const lower = (bytes[low + i]! >> ((run >> 1) * 4)) & 15;
        const upper = (bytes[high + i]! >> (run * 2)) & 3;
        into[block + group * 16 + i] = step * ((lower | (upper << 4)) - 32);
      }
    }
  }
};

export const kDecoders = {
  Q2_K: decodeQ2K,
  Q3_K: decodeQ3K,
  Q4_K: decodeQ4K(144, false),
  Q5_K: decodeQ4K(176, true),
  Q6_K: decodeQ6K,
} as const satisfies Readonly<Record<string, DecodeBlocks>>;
