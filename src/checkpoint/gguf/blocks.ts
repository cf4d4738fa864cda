import { kLayouts } from "./k-blocks.ts";
import { halfAt, type BlockLayout } from "./layout.ts";
import { fillBytes, fillFive, fillNibbleWords } from "./whole-words.ts";

/* Blocks of 32 elements with one scale (ggml-common.h, `block_q4_0` and those behind it). */

/** Two codes of 4 bits a byte: the lower halves of 16 bytes are the first 16 elements. */
function fillNibbles(bytes: Uint8Array, codes: number, into: Int8Array, place: number): void {
  for (let i = 0; i < 16; i++) {
    const pair = bytes[codes + i]!;
    into[place + i] = pair & 15;
    into[place + 16 + i] = pair >> 4;
  }
}

const fourBits =
  (codes: number): BlockLayout["fill"] =>
  (bytes, at, into, place) =>
    fillNibbles(bytes, at + codes, into, place);

/** A fifth bit of each code stands before the others. */
const fiveBits =
  (codes: number): BlockLayout["fill"] =>
  (bytes, at, into, place) => {
    fillNibbles(bytes, at + codes, into, place);
    for (let i = 0; i < 32; i++)
      into[place + i]! |= ((bytes[at + codes - 4 + (i >> 3)]! >> (i & 7)) & 1) << 4;
  };

/** Runs of 16 bytes whose codes stand for numbers of a table. */
const tabled =
  (codes: number, runs: number, table: Int8Array): BlockLayout["fill"] =>
  (bytes, at, into, place) => {
    for (let run = 0; run < runs; run++) fillNibbles(bytes, at + codes + 16 * run, into, place + 32 * run);
    for (let i = place; i < place + 32 * runs; i++) into[i] = table[into[i]!]!;
  };

const one = { elements: 32, group: 32, scale: halfAt, zero: 0 } as const;
/** The scale as it stands, and the minimum too. */
const half = { ...one, halves: "scales" } as const;
const halves = { ...one, halves: "scales and minimums" } as const;
const minimum: NonNullable<BlockLayout["minimum"]> = (bytes, at) => halfAt(bytes, at + 2);

/** `kvalues_iq4nl` of ggml: denser near zero, where most weights are. */
const NON_LINEAR = Int8Array.of(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

/** Twice the values of E2M1 (OCP Microscaling Formats, 5.3.3), which halved scales make right. */
const E2M1 = Int8Array.of(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);

/** Layouts by the names of their types. */
export const blockLayouts = {
  Q4_0: { ...half, bytes: 18, bits: 4, zero: 8, fill: fourBits(2), fillWords: fillNibbleWords(1) },
  Q4_1: { ...halves, bytes: 20, bits: 4, fill: fourBits(4), fillWords: fillNibbleWords(2), minimum },
  Q5_0: { ...half, bytes: 22, bits: 5, zero: 16, fill: fiveBits(6), fillWords: fillFive(1) },
  Q5_1: { ...halves, bytes: 24, bits: 5, fill: fiveBits(8), fillWords: fillFive(2), minimum },
  Q8_0: {
    ...half,
    bytes: 34,
    bits: 8,
    fill: (bytes, at, into, place) => {
      for (let i = 0; i < 32; i++) into[place + i] = bytes[at + 2 + i]!;
    },
    fillWords: fillBytes,
  },
  IQ4_NL: { ...half, bytes: 18, bits: 8, fill: tabled(2, 1, NON_LINEAR) },
  /** 256 elements: groups of 32 with scales of 6 bits, of which the upper two stand together. */
  IQ4_XS: {
    ...one,
    elements: 256,
    bytes: 136,
    bits: 8,
    fill: tabled(8, 8, NON_LINEAR),
    scale: (bytes, at, group) => {
      const low = (bytes[at + 4 + (group >> 1)]! >> ((group & 1) * 4)) & 15;
      const high = (bytes[at + 2 + (group >> 2)]! >> ((group & 3) * 2)) & 3;
      return Math.fround(halfAt(bytes, at) * ((low | (high << 4)) - 32));
    },
  },
  /** The scale is a power of two: E8M0, halved (`ggml_e8m0_to_fp32_half`). */
  MXFP4: {
    ...one,
    bytes: 17,
    bits: 8,
    isNarrow: true,
    fill: tabled(1, 1, E2M1),
    scale: (bytes, at) => 2 ** (bytes[at]! - 128),
  },
  ...kLayouts,
} as const satisfies Readonly<Record<string, BlockLayout>>;
