import { fifthBit } from "../../tensor/quantized.ts";

/* Codes of many blocks at once, four or eight to a word, for the types that most weights are of: byte by byte takes four times as long. */

/**
 * Makes the codes of whole blocks, as `fill` does one by one: the bytes of the blocks come as halves of words, of which a block
 * has an even number of bytes, and `codes` are the words that a model keeps.
 */
export type FillWords = (blocks: Uint16Array, codes: Int32Array) => void;

const NIBBLES = 0x0f0f0f0f;

/** Of the fifth bits of eight codes, where they stand in the word of such bits of the first eight of 32. */
const fifthBits = Int32Array.from({ length: 256 }, (_, bits) =>
  [0, 1, 2, 3, 4, 5, 6, 7].reduce((word, code) => word | (((bits >> code) & 1) << fifthBit(code)), 0),
);

/** The lower nibbles of four bytes as two bytes. */
function lowerNibbles(word: number): number {
  const pairs = (word & NIBBLES) | ((word & NIBBLES) >>> 4);
  return (pairs & 0xff) | ((pairs >>> 8) & 0xff00);
}

/** Bytes behind a scale: Q8_0. */
export const fillBytes: FillWords = (blocks, codes) => {
  for (let at = 0, place = 0; at < blocks.length; at += 17)
    for (let half = at + 1; half < at + 17; half += 2)
      codes[place++] = blocks[half]! | (blocks[half + 1]! << 16);
};

/** Runs of nibbles: the lower ones of all their bytes go to one place, the upper ones to another, behind them if none is said. */
function fillRun(
  blocks: Uint16Array,
  at: number,
  bytes: number,
  codes: Int32Array,
  place: number,
  upper = place + bytes / 8,
): void {
  const words = bytes / 8;
  for (let word = 0; word < words; word++) {
    const half = at + 4 * word;
    const [first, second] = [
      blocks[half]! | (blocks[half + 1]! << 16),
      blocks[half + 2]! | (blocks[half + 3]! << 16),
    ];
    codes[place + word] = lowerNibbles(first) | (lowerNibbles(second) << 16);
    codes[upper + word] = lowerNibbles(first >>> 4) | (lowerNibbles(second >>> 4) << 16);
  }
}

/** 16 bytes of nibbles behind so many halves: Q4_0, Q4_1. */
export const fillNibbleWords =
  (before: number): FillWords =>
  (blocks, codes) => {
    for (let at = before, place = 0; at < blocks.length; at += before + 8, place += 4)
      fillRun(blocks, at, 16, codes, place);
  };

/** 16 bytes of nibbles behind so many halves and the fifth bits of 32 codes: Q5_0, Q5_1. */
export const fillFive =
  (before: number): FillWords =>
  (blocks, codes) => {
    for (let at = before, place = 0; at < blocks.length; at += before + 10, place += 5) {
      const [lower, upper] = [blocks[at]!, blocks[at + 1]!];
      fillRun(blocks, at + 2, 16, codes, place);
      codes[place + 4] =
        fifthBits[lower & 255]! |
        (fifthBits[lower >> 8]! << 2) |
        (fifthBits[upper & 255]! << 4) |
        (fifthBits[upper >> 8]! << 6);
    }
  };

/** Four runs of 32 bytes of nibbles behind eight halves: Q4_K. */
export const fillRuns: FillWords = (blocks, codes) => {
  for (let at = 8, place = 0; at < blocks.length; at += 72, place += 32)
    for (let run = 0; run < 4; run++) fillRun(blocks, at + 16 * run, 32, codes, place + 8 * run);
};

/** The same with a mask of 32 bytes before them, whose bits are the fifth ones of each run of 32 codes: Q5_K. */
export const fillFiveRuns: FillWords = (blocks, codes) => {
  for (let at = 8, place = 0; at < blocks.length; at += 88, place += 40)
    for (let run = 0; run < 4; run++) {
      const [first, second] = [place + 10 * run, place + 10 * run + 5];
      fillRun(blocks, at + 16 + 16 * run, 32, codes, first, second);
      let [low, high] = [0, 0];
      for (let index = 0; index < 32; index++) {
        const bits = blocks[at + (index >> 1)]! >> (8 * (index & 1) + 2 * run);
        low |= (bits & 1) << fifthBit(index);
        high |= ((bits >> 1) & 1) << fifthBit(index);
      }
      [codes[first + 4], codes[second + 4]] = [low, high];
    }
};
