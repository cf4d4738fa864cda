import type { I32, Statement } from "../assembler/code.ts";
import { lesser, select, when } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { AttendThread } from "../attention/attend-thread.ts";
import { attendTile } from "../attention/attend-tile.ts";
import { storeRow } from "../attention/finish.ts";
import { KEYS, ROWS, roundedDown } from "../attention/geometry.ts";
import { packPanels, packSideways } from "../attention/pack.ts";
import { TILE_ROWS, tileOffset } from "../attention/tile.ts";
import type { WasmKernel } from "../kernel.ts";

/**
 * softmax(scale · q kᵀ …) v with a running maximum and sum (Milakov and Gimelshein 2018; Dao et al. 2022): 32 query rows of a
 * key head at a time go over blocks of 256 keys, four rows a tile. A thread packs keys and values of a head once.
 */
export const attend: WasmKernel<"attend"> = (step, k) => {
  writeBlocks(new AttendThread(step, k));
  return k.finish("attend", "Attention, 32 query rows and 256 keys at a time.");
};

/** The blocks of a thread, one after the other; keys and values of a head are packed when the first of its blocks comes. */
function writeBlocks(thread: AttendThread): void {
  const phase = thread.phase;
  const { count, keyHeads } = thread.pairs;
  const blocks = phase.still(i32.div_u(i32.add(thread.rows.count, i32.const(ROWS - 1)), i32.const(ROWS)));
  const units = phase.share(i32.mul(count, blocks));
  const [pair, packed, turn] = [phase.local("i32"), phase.local("i32"), phase.local("i32")];
  phase.push(
    packed.set(i32.const(-1)),
    phase.range(units.from, units.to, 1, (unit) => [
      pair.set(i32.div_u(unit, blocks)),
      turn.set(i32.rem_u(unit, blocks)),
      ...thread.heads.enter(i32.div_u(pair.get, keyHeads), i32.rem_u(pair.get, keyHeads)),
      when(i32.and(i32.eqz(thread.isFew), i32.ne(pair.get, packed.get)), [
        packed.set(pair.get),
        ...packKeys(thread),
      ]),
      thread.start.set(i32.mul(outsideIn(turn.get, blocks), i32.const(ROWS))),
      thread.end.set(lesser(i32.add(thread.start.get, i32.const(ROWS)), thread.rows.count)),
      ...block(thread),
    ]),
  );
}

/** Keys and values of a head, packed. */
function packKeys(thread: AttendThread): Statement[] {
  const phase = thread.phase;
  const count = thread.rows.keys;
  const source = (name: "k" | "v") => ({
    count,
    rowAt: (key: I32) => thread.heads.keyAt(name, key),
    width: thread.heads.widthOf(name),
  });
  const finite = phase.local("v128");
  const step = i32.shl(thread.paddedKeys, i32.const(5));
  return [
    packSideways(phase, 8, thread.own.keys, source("k")),
    finite.set(thread.k.constants.splatWord(-1)),
    ...packPanels(phase, { at: thread.own.values, step, end: thread.paddedKeys, finite }, source("v")),
    thread.isFinite.set(i32x4.all_true(finite.get)),
  ];
}

/** 32 rows: all their keys, a block at a time. */
function block(thread: AttendThread): Statement[] {
  const phase = thread.phase;
  const [start, end] = [thread.start.get, thread.end.get];
  const last = i32.sub(end, i32.const(1));
  const [high, share] = [phase.local("i32"), phase.local("v128")];
  const total = phase.local("v128");
  const width = thread.heads.widthOf("v");
  return [
    when(i32.eqz(thread.isFew), [
      packSideways(phase, 4, thread.own.queries, {
        count: i32.sub(end, start),
        rowAt: (row) => thread.heads.queryAt("q", i32.add(start, row)),
        width: thread.heads.widthOf("q"),
        factor: thread.k.constants.splat(thread.scale),
      }),
    ]),
    phase.range(start, end, TILE_ROWS, (row) => [
      ...thread.softmax.begin(i32.shl(i32.sub(row, start), i32.const(2))),
      phase.range(i32.const(0), thread.sumBytes, 16, (byte) => [
        v128.store(i32.add(thread.sumsAt(row), byte), v128.zero),
      ]),
    ]),
    high.set(thread.rows.high(start, last)),
    phase.range(roundedDown(thread.rows.low(start, last), KEYS), high.get, KEYS, (key) => [
      phase.range(start, end, TILE_ROWS, (row) => attendTile(thread, row, key)),
    ]),
    phase.range(start, end, 1, (row) => [
      total.set(v128.load32_splat(i32.add(thread.own.totals, i32.shl(i32.sub(row, start), i32.const(2))))),
      // A row that sees nothing has the sum 0, and is 0.
      share.set(v128.and(f32x4.div(thread.k.constants.splat(1), total.get), f32x4.ne(total.get, v128.zero))),
      ...storeRow(phase, {
        from: (column) => i32.add(thread.sumsAt(row), tileOffset(column)),
        to: thread.heads.queryAt("out", row),
        width,
        factor: share.get,
      }),
    ]),
  ];
}

/** Blocks from both ends in turn, so that parts of them cost alike where later rows see more keys. */
const outsideIn = (turn: I32, blocks: I32): I32 => {
  const half = i32.shr_u(turn, i32.const(1));
  const last = i32.sub(i32.sub(blocks, i32.const(1)), half);
  return select(i32.and(turn, i32.const(1)), last, half);
};
