import { halfAt, type BlockLayout } from "./layout.ts";
import { fillFiveRuns, fillRuns } from "./whole-words.ts";

/* Blocks of 256 elements in groups of 16 or 32, whose scales are quantized too (ggml-quants.c, `QK_K`). */

const { fround } = Math;

/** Codes of 2 bits: each run of 32 bytes has four runs of 32 elements, one above the other. */
function fillTwoBits(bytes: Uint8Array, codes: number, into: Int8Array, place: number): void {
  for (let run = 0; run < 8; run++)
    for (let i = 0; i < 32; i++)
      into[place + 32 * run + i] = (bytes[codes + 32 * (run >> 2) + i]! >> (2 * (run & 3))) & 3;
}

/** Codes of 4 bits: each run of 32 bytes has two runs of 32 elements. */
function fillFourBits(bytes: Uint8Array, codes: number, into: Int8Array, place: number): void {
  for (let run = 0; run < 4; run++)
    for (let i = 0; i < 32; i++) {
      const pair = bytes[codes + 32 * run + i]!;
      into[place + 64 * run + i] = pair & 15;
      into[place + 64 * run + 32 + i] = pair >> 4;
    }
}

/** One more bit of each code, in a mask of 32 bytes: of each run of 32 elements the bit of its number. */
function addMask(bytes: Uint8Array, mask: number, into: Int8Array, place: number, bit: number): void {
  for (let run = 0; run < 8; run++)
    for (let i = 0; i < 32; i++) into[place + 32 * run + i]! |= ((bytes[mask + i]! >> run) & 1) << bit;
}

/** 16 scales of 6 bits in 12 bytes: eight with the lower halves of two each, four with the upper bits of four each. */
const sixBits = (bytes: Uint8Array, at: number, group: number): number => {
  const low = (bytes[at + (group & 7)]! >> (group < 8 ? 0 : 4)) & 15;
  const high = (bytes[at + 8 + (group & 3)]! >> ((group >> 2) * 2)) & 3;
  return low | (high << 4);
};

/** The scale of a group of 32, one of eight pairs of 6 bits in 12 bytes (`get_scale_min_k4`). */
const pairedScale = (bytes: Uint8Array, at: number, group: number): number =>
  group < 4 ? bytes[at + group]! & 63 : (bytes[at + group + 4]! & 15) | ((bytes[at + group - 4]! >> 6) << 4);

/** The minimum beside it. */
const pairedMinimum = (bytes: Uint8Array, at: number, group: number): number =>
  group < 4 ? bytes[at + group + 4]! & 63 : (bytes[at + group + 4]! >> 4) | ((bytes[at + group]! >> 6) << 4);

/** What Q4_K and Q5_K begin with: two halves, and eight pairs of scale and minimum. */
const paired = {
  elements: 256,
  group: 32,
  zero: 0,
  scale: (bytes, at, group) => fround(halfAt(bytes, at) * pairedScale(bytes, at + 4, group)),
  minimum: (bytes, at, group) => -fround(halfAt(bytes, at + 2) * pairedMinimum(bytes, at + 4, group)),
} as const satisfies Partial<BlockLayout>;

const sixteen = { elements: 256, group: 16 } as const;

export const kLayouts = {
  /** Scale and minimum of 4 bits each. */
  Q2_K: {
    ...sixteen,
    bytes: 84,
    bits: 4,
    zero: 0,
    fill: (bytes, at, into, place) => fillTwoBits(bytes, at + 16, into, place),
    scale: (bytes, at, group) => fround(halfAt(bytes, at + 80) * (bytes[at + group]! & 15)),
    minimum: (bytes, at, group) => -fround(halfAt(bytes, at + 82) * (bytes[at + group]! >> 4)),
  },
  /** The third bit of each code stands in a mask. */
  Q3_K: {
    ...sixteen,
    bytes: 110,
    bits: 8,
    isNarrow: true,
    zero: 4,
    fill: (bytes, at, into, place) => {
      fillTwoBits(bytes, at + 32, into, place);
      addMask(bytes, at, into, place, 2);
    },
    scale: (bytes, at, group) => fround(halfAt(bytes, at + 108) * (sixBits(bytes, at + 96, group) - 32)),
  },
  Q4_K: {
    ...paired,
    bytes: 144,
    bits: 4,
    fill: (bytes, at, into, place) => fillFourBits(bytes, at + 16, into, place),
    fillWords: fillRuns,
  },
  /** The fifth bit of each code stands in a mask. */
  Q5_K: {
    ...paired,
    bytes: 176,
    bits: 5,
    fillWords: fillFiveRuns,
    fill: (bytes, at, into, place) => {
      fillFourBits(bytes, at + 48, into, place);
      addMask(bytes, at + 16, into, place, 4);
    },
  },
  /** Four lower bits of each code, then two upper ones; scales of 8 bits. */
  Q6_K: {
    ...sixteen,
    bytes: 210,
    bits: 8,
    isNarrow: true,
    zero: 32,
    fill: (bytes, at, into, place) => {
      for (let run = 0; run < 8; run++) {
        const [half, within] = [run >> 2, run & 3];
        const [low, high] = [at + 64 * half + 32 * (within & 1), at + 128 + 32 * half];
        for (let i = 0; i < 32; i++)
          into[place + 32 * run + i] =
            ((bytes[low + i]! >> (4 * (within >> 1))) & 15) | (((bytes[high + i]! >> (2 * within)) & 3) << 4);
      }
    },
    scale: (bytes, at, group) => fround(halfAt(bytes, at + 208) * ((bytes[at + 192 + group]! << 24) >> 24)),
  },
} as const satisfies Readonly<Record<string, BlockLayout>>;
