/* Codes of many blocks at once, four or eight to a word, for the types that most weights are of: byte by byte takes four times as long. */

/**
 * Makes the codes of whole blocks, as `fill` does one by one: the bytes of the blocks come as halves of words, of which a block
 * has an even number of bytes, and `codes` are the words that a model keeps.
 */
export type FillWords = (blocks: Uint16Array, codes: Int32Array) => void;

const NIBBLES = 0x0f0f0f0f;

/** Of each of four bits a byte: 0 where it is set, else what makes a code of 4 bits 16 less. */
const belowSixteen = Int32Array.from({ length: 16 }, (_, bits) =>
  [0, 1, 2, 3].reduce((word, bit) => ((bits >> bit) & 1 ? word : word | (0xf0 << (8 * bit))), 0),
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

/** Nibbles around 0 with a fifth bit, behind a scale: Q5_0. */
export const fillFive: FillWords = (blocks, codes) => {
  for (let at = 0, place = 0; at < blocks.length; at += 11, place += 8) {
    const [lower, upper] = [blocks[at + 1]!, blocks[at + 2]!];
    for (let word = 0; word < 4; word++) {
      const nibbles = blocks[at + 3 + 2 * word]! | (blocks[at + 4 + 2 * word]! << 16);
      codes[place + word] = (nibbles & NIBBLES) | belowSixteen[(lower >> (4 * word)) & 15]!;
      codes[place + 4 + word] = ((nibbles >>> 4) & NIBBLES) | belowSixteen[(upper >> (4 * word)) & 15]!;
    }
  }
};

/** Runs of nibbles, the lower ones of all their bytes before the upper ones. */
function fillRun(blocks: Uint16Array, at: number, bytes: number, codes: Int32Array, place: number): void {
  const words = bytes / 8;
  for (let word = 0; word < words; word++) {
    const half = at + 4 * word;
    const [first, second] = [
      blocks[half]! | (blocks[half + 1]! << 16),
      blocks[half + 2]! | (blocks[half + 3]! << 16),
    ];
    codes[place + word] = lowerNibbles(first) | (lowerNibbles(second) << 16);
    codes[place + words + word] = lowerNibbles(first >>> 4) | (lowerNibbles(second >>> 4) << 16);
  }
}

/** 16 bytes of nibbles behind so many halves: Q4_0, Q4_1. */
export const fillNibbleWords =
  (before: number): FillWords =>
  (blocks, codes) => {
    for (let at = before, place = 0; at < blocks.length; at += before + 8, place += 4)
      fillRun(blocks, at, 16, codes, place);
  };

/** Four runs of 32 bytes of nibbles behind eight halves: Q4_K. */
export const fillRuns: FillWords = (blocks, codes) => {
  for (let at = 8, place = 0; at < blocks.length; at += 72, place += 32)
    for (let run = 0; run < 4; run++) fillRun(blocks, at + 16 * run, 32, codes, place + 8 * run);
};
