import type { V128 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { i32x4, v128 } from "../assembler/simd.ts";
import { keptInStep, type Body, type Wide } from "./wide.ts";

const ROTATIONS = [
  [13, 15, 26, 6],
  [17, 29, 16, 24],
] as const;

/** What the third word of the key is made with (Salmon et al. 2011). */
const PARITY = 0x1bd11bda;

const rotated = (x: V128, by: number): V128 =>
  v128.or(i32x4.shl(x, i32.const(by)), i32x4.shr_u(x, i32.const(32 - by)));

/** The first word of Threefry-2x32 of two words of a key and two of a counter, as `tensor/random.ts` has it; all in variables. */
export function threefry(key0: Wide, key1: Wide, counter0: Wide, counter1: Wide, body: Body): Wide {
  const { constants } = body;
  const key2 = keptInStep(body, (a, b) => v128.xor(v128.xor(a, b), constants.splatWord(PARITY)), key0, key1);
  const keys = [key0, key1, key2];
  let x = keptInStep(body, i32x4.add, counter0, key0);
  let y = keptInStep(body, i32x4.add, counter1, key1);
  for (let group = 0; group < 5; group++) {
    for (const by of ROTATIONS[group % 2]!) {
      x = keptInStep(body, i32x4.add, x, y);
      y = keptInStep(body, (v, w) => v128.xor(rotated(w, by), v), x, y);
    }
    x = keptInStep(body, i32x4.add, x, keys[(group + 1) % 3]!);
    y = keptInStep(
      body,
      (w, k) => i32x4.add(w, i32x4.add(k, constants.splatWord(group + 1))),
      y,
      keys[(group + 2) % 3]!,
    );
  }
  return x;
}
