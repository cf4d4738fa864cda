import { halfAt, type DecodeBlocks } from "./scales.ts";

/* Codes of 4 bits that choose from a table of 16 values. */

const { fround } = Math;

/** `kvalues_iq4nl` of ggml: denser near zero, where most weights are. */
const NON_LINEAR: readonly number[] = [
  -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/** Twice the values of E2M1 (OCP Microscaling Formats, 5.3.3), which halved scales make right. */
const E2M1: readonly number[] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

function decodeCodes(
  bytes: Uint8Array,
  at: number,
  table: readonly number[],
  by: number,
  into: Float32Array,
  to: number,
): void {
  for (let i = 0; i < 16; i++) {
    const pair = bytes[at + i]!;
    into[to + i] = by * table[pair & 15]!;
    into[to + 16 + i] = by * table[pair >> 4]!;
  }
}

const decodeIQ4NL: DecodeBlocks = (bytes, into) => {
  for (let block = 0, at = 0; block < into.length; block += 32, at += 18)
    decodeCodes(bytes, at + 2, NON_LINEAR, halfAt(bytes, at), into, block);
};

/** 256 elements: groups of 32 with scales of 6 bits, of which the upper two stand together. */
const decodeIQ4XS: DecodeBlocks = (bytes, into) => {
  for (let block = 0, at = 0; block < into.length; block += 256, at += 136) {
    const scale = halfAt(bytes, at);
    for (let group = 0; group < 8; group++) {
      const low = (bytes[at + 4 + (group >> 1)]! >> ((group & 1) * 4)) & 15;
      const high = (bytes[at + 2 + (group >> 2)]! >> ((group & 3) * 2)) & 3;
      const by = fround(scale * ((low | (high << 4)) - 32));
      decodeCodes(bytes, at + 8 + group * 16, NON_LINEAR, by, into, block + group * 32);
    }
  }
};

/** 32 elements of E2M1 with a power of two as their scale: E8M0, halved (`ggml_e8m0_to_fp32_half`). */
const decodeMXFP4: DecodeBlocks = (bytes, into) => {
  for (let block = 0, at = 0; block < into.length; block += 32, at += 17)
    decodeCodes(bytes, at + 1, E2M1, 2 ** (bytes[at]! - 128), into, block);
};

export const codebookDecoders = {
  IQ4_NL: decodeIQ4NL,
  IQ4_XS: decodeIQ4XS,
  MXFP4: decodeMXFP4,
} as const satisfies Readonly<Record<string, DecodeBlocks>>;
