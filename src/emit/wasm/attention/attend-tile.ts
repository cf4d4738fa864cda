import type { I32, Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { AttendThread } from "./attend-thread.ts";
import { dotProducts, weightedSums } from "./few.ts";
import { addRest } from "./finish.ts";
import { KEYS, larger, PITCH, roundedDown, roundedUp } from "./geometry.ts";
import type { ScoreTile } from "./online.ts";
import { sideBytes } from "./pack.ts";
import { TILE_BYTES, TILE_COLUMNS, TILE_ROWS, tileOffset } from "./tile.ts";

/** Four rows, from `first` on, and what they see of the block of keys from `block` on. */
export function attendTile(thread: AttendThread, first: I32, block: I32): Statement[] {
  const phase = thread.phase;
  const local = (): Local<"i32"> => phase.local("i32");
  const [last, from, to, at] = [local(), local(), local(), local()];
  const tile: ScoreTile = { first, last: last.get, at: at.get, from: from.get, to: to.get };
  return [
    last.set(lesser(i32.add(first, i32.const(TILE_ROWS - 1)), i32.sub(thread.end.get, i32.const(1)))),
    from.set(larger(block, roundedDown(thread.rows.low(first, last.get), 8))),
    to.set(lesser(i32.add(block, i32.const(KEYS)), roundedUp(thread.rows.high(first, last.get), 8))),
    when(i32.lt_s(from.get, to.get), [
      at.set(i32.sub(thread.own.scores, i32.shl(block, i32.const(2)))),
      when(thread.isFew, [], products(thread, tile)),
      ...thread.softmax.update(
        tile,
        i32.shl(i32.sub(first, thread.start.get), i32.const(2)),
        (row) => thread.heads.whose(row),
        (row, scores) => [when(thread.isFew, fewProducts(thread, tile, row, scores))],
      ),
      when(thread.isFew, [addFewValues(thread, tile)], addValues(thread, tile)),
    ]),
  ];
}

/** Products of four rows with keys, eight at a time. */
function products(thread: AttendThread, { first, at, from, to }: ScoreTile): Statement[] {
  const bytes = sideBytes(thread.heads.widthOf("q"), 4);
  const index = i32.shr_u(i32.sub(first, thread.start.get), i32.const(2));
  const queries = i32.add(thread.own.queries, i32.mul(index, bytes));
  return [
    thread.phase.range(from, to, TILE_COLUMNS, (key) => [
      ...thread.tile.clear(),
      ...thread.tile.add({
        left: { at: queries, row: 4, term: 16 },
        right: i32.add(thread.own.keys, i32.mul(i32.shr_u(key, i32.const(2)), bytes)),
        terms: roundedUp(thread.heads.widthOf("q"), 4),
      }),
      ...thread.tile.store(i32.add(at, i32.shl(key, i32.const(2))), PITCH),
    ]),
  ];
}

/** Adds values times weights, eight columns at a time; what is no finite number, by itself. */
function addValues(thread: AttendThread, { first, last, at, from, to }: ScoreTile): Statement[] {
  const width = thread.heads.widthOf("v");
  const sums = thread.sumsAt(first);
  const terms = i32.sub(to, from);
  const panels = i32.shr_u(roundedUp(width, 8), i32.const(3));
  const weights = i32.add(at, i32.shl(from, i32.const(2)));
  return [
    thread.phase.range(i32.const(0), panels, 1, (panel) => {
      const place = i32.add(sums, i32.mul(panel, i32.const(TILE_BYTES)));
      const values = i32.add(i32.mul(panel, thread.paddedKeys), from);
      return [
        ...thread.tile.loadTimes(place, thread.own.factors),
        ...thread.tile.add({
          left: { at: weights, row: PITCH, term: 4 },
          right: i32.add(thread.own.values, i32.shl(values, i32.const(5))),
          terms,
        }),
        ...thread.tile.store(place),
      ];
    }),
    when(i32.eqz(thread.isFinite.get), [
      thread.phase.range(first, i32.add(last, i32.const(1)), 1, (row) => [
        addRest(thread.phase, {
          from,
          to: lesser(to, thread.rows.keys),
          weightAt: (key) => i32.add(thread.scoresOf(row, first, at), i32.shl(key, i32.const(2))),
          width,
          valueAt: (key, column) => i32.add(thread.heads.keyAt("v", key), i32.shl(column, i32.const(2))),
          sumAt: (_, column) => i32.add(thread.sumsAt(row), tileOffset(column)),
        }),
      ]),
    ]),
  ];
}

function fewProducts(thread: AttendThread, { from, to }: ScoreTile, row: I32, scores: I32): Statement[] {
  return dotProducts(
    thread.k,
    thread.phase,
    { query: thread.heads.queryAt("q", row), scores, factor: thread.k.constants.splat(thread.scale) },
    thread.heads.ofKeys("k"),
    { from, to: lesser(to, thread.rows.keys) },
  );
}

function addFewValues(thread: AttendThread, { first, last, at, from, to }: ScoreTile): Statement {
  const [factor, weights] = [thread.phase.local("v128"), thread.phase.local("i32")];
  return thread.phase.range(first, i32.add(last, i32.const(1)), 1, (row) => [
    factor.set(v128.load32_splat(i32.add(thread.own.factors, i32.shl(i32.sub(row, first), i32.const(2))))),
    weights.set(thread.scoresOf(row, first, at)),
    ...weightedSums(
      thread.k,
      thread.phase,
      { weights: weights.get, sums: thread.sumsAt(row), factor: factor.get },
      thread.heads.ofKeys("v"),
      { from, to: lesser(to, thread.rows.keys) },
    ),
  ]);
}
