import type { I32, Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";
import type { Phase } from "../kernel.ts";
import type { AttendThread } from "./attend-thread.ts";
import { dotProducts, weightedSums } from "./few.ts";
import { addRest } from "./finish.ts";
import { KEYS, larger, PITCH, roundedDown, roundedUp } from "./geometry.ts";
import type { ScoreTile } from "./online.ts";
import { sideBytes } from "./pack.ts";
import { TILE_BYTES, TILE_COLUMNS, TILE_ROWS, tileOffset } from "./tile.ts";
import { WIDE_COLUMNS, WIDE_PANELS, type WideProducts } from "./wide-tile.ts";

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

/**
 * Terms of a product that are summed one after the other; the sums of so many are added up, as those of products are
 * (`../products/blocks.ts`): a score of 256 terms is off by half of what it else is.
 */
const BLOCK = 64;

/** Products of four rows with keys, eight at a time, or 24. */
function products(thread: AttendThread, { first, at, from, to }: ScoreTile): Statement[] {
  const { phase, tile, wide } = thread;
  const width = roundedUp(thread.heads.widthOf("q"), 4);
  const bytes = sideBytes(thread.heads.widthOf("q"), 4);
  const panel = i32.shl(bytes, i32.const(1));
  const index = i32.shr_u(i32.sub(first, thread.start.get), i32.const(2));
  const queries = i32.add(thread.own.queries, i32.mul(index, bytes));
  const operands = (key: I32, term: I32, terms: I32): WideProducts => ({
    left: { at: i32.add(queries, i32.shl(term, i32.const(4))), row: 4, term: 16 },
    right: i32.add(
      i32.add(thread.own.keys, i32.mul(i32.shr_u(key, i32.const(3)), panel)),
      i32.shl(term, i32.const(5)),
    ),
    panel,
    terms,
  });
  const scoresAt = (key: I32): I32 => i32.add(at, i32.shl(key, i32.const(2)));
  const { whole, wides } = inWides(thread, from, to, WIDE_COLUMNS, (key) =>
    wide!.eachPair((row) =>
      inBlocks(phase, width, {
        begin: wide!.clear(),
        add: (term, terms) => wide!.add(operands(key, term, terms), row),
        store: wide!.storeRows(scoresAt(key), row, PITCH),
        storeAdded: wide!.storeRowsAdded(scoresAt(key), row, PITCH),
      }),
    ),
  );
  return [
    ...wides,
    phase.range(whole, to, TILE_COLUMNS, (key) =>
      inBlocks(phase, width, {
        begin: tile.clear(),
        add: (term, terms) => tile.add(operands(key, term, terms)),
        store: tile.store(scoresAt(key), PITCH),
        storeAdded: tile.storeAdded(scoresAt(key), PITCH),
      }),
    ),
  ];
}

interface Sums {
  /** Sets the sums to 0. */
  readonly begin: readonly Statement[];
  readonly add: (term: I32, terms: I32) => readonly Statement[];
  readonly store: readonly Statement[];
  readonly storeAdded: readonly Statement[];
}

/** Sums of so many terms, a block after the other. */
function inBlocks(phase: Phase, terms: I32, { begin, add, store, storeAdded }: Sums): Statement[] {
  const isOne = terms.known !== undefined && terms.known <= BLOCK;
  const all = isOne ? terms : lesser(terms, i32.const(BLOCK));
  return [
    ...begin,
    ...add(i32.const(0), all),
    ...store,
    ...(isOne
      ? []
      : [
          phase.range(i32.const(BLOCK), terms, BLOCK, (term) => [
            ...begin,
            ...add(term, lesser(i32.sub(terms, term), i32.const(BLOCK))),
            ...storeAdded,
          ]),
        ]),
  ];
}

/** Adds values times weights, eight columns at a time, or 24; what is no finite number, by itself. */
function addValues(thread: AttendThread, { first, last, at, from, to }: ScoreTile): Statement[] {
  const { phase, tile, wide } = thread;
  const width = thread.heads.widthOf("v");
  const sums = thread.sumsAt(first);
  const panels = i32.shr_u(roundedUp(width, 8), i32.const(3));
  const weights = i32.add(at, i32.shl(from, i32.const(2)));
  const placeOf = (panel: I32): I32 => i32.add(sums, i32.mul(panel, i32.const(TILE_BYTES)));
  const operands = (panel: I32): WideProducts => ({
    left: { at: weights, row: PITCH, term: 4 },
    right: i32.add(
      thread.own.values,
      i32.shl(i32.add(i32.mul(panel, thread.paddedKeys), from), i32.const(5)),
    ),
    panel: i32.shl(thread.paddedKeys, i32.const(5)),
    terms: i32.sub(to, from),
  });
  const { whole, wides } = inWides(thread, i32.const(0), panels, WIDE_PANELS, (panel) =>
    wide!.eachPair((row) => [
      ...wide!.loadTimes(placeOf(panel), thread.own.factors, row),
      ...wide!.add(operands(panel), row),
      ...wide!.storeTiles(placeOf(panel), row),
    ]),
  );
  return [
    ...wides,
    phase.range(whole, panels, 1, (panel) => [
      ...tile.loadTimes(placeOf(panel), thread.own.factors),
      ...tile.add(operands(panel)),
      ...tile.store(placeOf(panel)),
    ]),
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

/** What wide tiles do of a range, so many at a time, and where they end. */
function inWides(
  { phase, wide }: AttendThread,
  from: I32,
  to: I32,
  step: number,
  write: (first: I32) => Statement[],
): { readonly whole: I32; readonly wides: readonly Statement[] } {
  if (wide === undefined) return { whole: from, wides: [] };
  const whole = phase.local("i32");
  const count = i32.mul(i32.div_u(i32.sub(to, from), i32.const(step)), i32.const(step));
  return {
    whole: whole.get,
    wides: [whole.set(i32.add(from, count)), phase.range(from, whole.get, step, write)],
  };
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
