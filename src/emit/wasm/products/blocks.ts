import type { I32, Statement, V128 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { Phase } from "../kernel.ts";
import type { Tile, TileOperands } from "./tile.ts";

/** Elements that are summed one after the other, and those whose sums of so many are added before they go to the sum of all. */
const [BLOCK, BLOCKS] = [32, 128];

/** Bytes that the sums of a tile lie in between blocks. */
export const blockRoom = ({ rows, width }: Tile): number => 2 * 4 * rows * width;

/**
 * sums = Σ x[i, k] · panel[k], in blocks of k, and blocks of those; the depth is a multiple of a block's. Errors of rounding that
 * are independent grow with the root of how many roundings a product goes through (Higham, Accuracy and Stability of Numerical
 * Algorithms, 4.2 and 4.3): a sum of 640 is off by a quarter of what it is by one after the other, which takes a twelfth less time.
 * `room` has `blockRoom` bytes.
 */
export function multiplyBlocks(
  phase: Phase,
  tile: Tile,
  rows: number,
  operands: TileOperands,
  room: I32,
): Statement[] {
  const { depth, panelStep } = operands;
  if (depth.known !== undefined && depth.known <= BLOCK) return tile.multiply(rows, operands);
  const [x, panel] = phase.locals("i32", 2);
  const sums = tile.sums.slice(0, rows).flat();
  const far = 16 * sums.length;
  const each = (make: (sum: Local<"v128">, at: number) => readonly Statement[]): Statement[] =>
    sums.flatMap((sum, place) => make(sum, 16 * place));
  const withStored = (sum: Local<"v128">, at: number): V128 => f32x4.add(sum.get, v128.load(room, at));
  return [
    x!.set(operands.x),
    panel!.set(operands.panel),
    ...each((_, at) => [v128.store(room, v128.zero, at), v128.store(room, v128.zero, far + at)]),
    phase.range(i32.const(0), depth, BLOCK, (k) => [
      ...tile.multiply(rows, { ...operands, x: x!.get, panel: panel!.get, depth: i32.const(BLOCK) }),
      ...each((sum, at) => [sum.set(withStored(sum, at))]),
      when(
        i32.eq(i32.and(k, i32.const(BLOCKS - BLOCK)), i32.const(BLOCKS - BLOCK)),
        each((sum, at) => [v128.store(room, withStored(sum, far + at), far + at), sum.set(v128.zero)]),
      ),
      ...each((sum, at) => [v128.store(room, sum.get, at)]),
      x!.set(i32.add(x!.get, i32.const(4 * BLOCK))),
      panel!.set(i32.add(panel!.get, i32.mul(panelStep, i32.const(BLOCK)))),
    ]),
    ...each((sum, at) => [sum.set(withStored(sum, far + at))]),
  ];
}
