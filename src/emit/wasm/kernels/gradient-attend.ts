import type { Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { i32x4 } from "../assembler/simd.ts";
import { BiasGradient } from "../attention/bias-gradient.ts";
import { ROWS, roundedDown, roundedUp, sizesOf } from "../attention/geometry.ts";
import { addRestOfGrads, addToKeys } from "../attention/gradient-keys.ts";
import { packKeys, packRows, storeKeys } from "../attention/gradient-pack.ts";
import { slopesOfTile } from "../attention/gradient-rows.ts";
import { GradientThread } from "../attention/gradient-thread.ts";
import { TILE_ROWS } from "../attention/tile.ts";
import type { WasmKernel } from "../kernel.ts";

/**
 * The gradient of attention, the products of 32 query rows with all keys at a time: weights are computed again, then the
 * gradients of scores from them, then by products those of q (for four rows), and of k and v, which a thread adds up for all
 * rows and heads of a key head.
 */
export const attend_grad: WasmKernel<"attend_grad"> = (step, k) => {
  const sizes = sizesOf(step.operands, step.attrs.layout);
  const bias = new BiasGradient(k, sizes, step.operands.bias && step.results[3]);
  bias.clear();
  writeHeads(new GradientThread(step, k, bias));
  bias.join();
  return k.finish("attend_grad", "The gradient of attention, 32 query rows at a time.");
};

/** The heads of a thread, one after the other, by blocks of rows. */
function writeHeads(thread: GradientThread): void {
  const { phase, rows, bias } = thread;
  const { parts, from, to, item, keyHead } = thread.dealt;
  const own = phase.share(parts);
  phase.push(
    phase.range(own.from, own.to, 1, (part) => [
      ...(bias ? [bias.begin(part)] : []),
      phase.range(from(part), to(part), 1, (index) => [
        ...thread.heads.enter(item(part, index), keyHead(part, index)),
        ...packKeys(thread),
        phase.range(i32.const(0), rows.count, ROWS, (start) => [
          thread.start.set(start),
          thread.end.set(lesser(i32.add(start, i32.const(ROWS)), rows.count)),
          ...block(thread),
        ]),
        ...storeKeys(thread),
      ]),
    ]),
  );
}

/** 32 rows with all their keys. */
function block(thread: GradientThread): Statement[] {
  const { phase, rows } = thread;
  const [start, end] = [thread.start.get, thread.end.get];
  const last = i32.sub(end, i32.const(1));
  const finite = phase.local("v128");
  return [
    ...packRows(thread, finite),
    thread.low.set(roundedDown(rows.low(start, last), 8)),
    thread.high.set(roundedUp(rows.high(start, last), 8)),
    phase.range(start, end, TILE_ROWS, (row) => slopesOfTile(thread, row)),
    addToKeys(thread),
    when(i32.eqz(i32x4.all_true(finite.get)), [addRestOfGrads(thread)]),
  ];
}
