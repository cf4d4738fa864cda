import { fifthBit, ROW_UNIT } from "../../../tensor/quantized.ts";
import type { V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { i32x4, v128 } from "../assembler/simd.ts";
import type { Constants } from "../machine.ts";

/** Codes of 5 bits lie as those of 4, and so many words on is a word of their fifth bits. */
export const FIFTHS = ROW_UNIT / 8;

/**
 * Of words of fifth bits those of codes that lie as a code does in a mask of 16s, moved there: the fifth bit of code `first` of the unit
 * becomes that of the lowest.
 */
export function fifthsAt(words: V128, first: number, mask: number, constants: Constants): V128 {
  const up = 4 - fifthBit(first);
  const moved = up < 0 ? i32x4.shr_u(words, i32.const(-up)) : i32x4.shl(words, i32.const(up));
  return v128.and(moved, constants.splatWord(mask));
}

/** The codes as they are scaled. */
export const withoutZero = (codes: V128, zero: number, constants: Constants): V128 =>
  zero === 0 ? codes : i32x4.sub(codes, constants.splatWord(zero));
