import type { StepOf } from "../../../plan/plan.ts";
import { constantDim, dim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import { onlyView } from "../../../kernels/results.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { lesser, select, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { dotProducts, weightedSums } from "../attention/few.ts";
import { addRest, storeRow } from "../attention/finish.ts";
import {
  KEYS,
  larger,
  ownPieces,
  PITCH,
  QueryRows,
  ROWS,
  roundedDown,
  roundedUp,
  roundedUpDim,
  sizesOf,
  type Sizes,
} from "../attention/geometry.ts";
import { Heads } from "../attention/heads.ts";
import { packPanels, packSideways, sideBytes } from "../attention/pack.ts";
import { OnlineSoftmax, type ScoreTile } from "../attention/online.ts";
import { Scores } from "../attention/scores.ts";
import { Tile, TILE_BYTES, TILE_COLUMNS, TILE_ROWS, tileOffset } from "../attention/tile.ts";
import type { KernelWriter, Phase, WasmKernel } from "../kernel.ts";

/** So few query rows read keys and values as they lie: packing would cost more than it saves. */
const FEW = 8;

/**
 * softmax(scale · q kᵀ …) v with a running maximum and sum (Milakov and Gimelshein 2018; Dao et al. 2022): 32 query rows of a
 * key head at a time go over blocks of 256 keys, four rows a tile. A thread packs keys and values of a head once.
 */
export const attend: WasmKernel<"attend"> = (step, k) => {
  const code = new AttendCode(step, k);
  code.write();
  return k.finish("attend", "Attention, 32 query rows and 256 keys at a time.");
};

/** Words of a thread's own. */
function pieces({ group, queries, keys, width, valueWidth }: Sizes) {
  const rows = constantDim(multiplyDims(group, queries));
  const packed = rows !== undefined && rows < FEW ? dim(0) : roundedUpDim(keys, 8);
  const ofRows = (size: Dim): Dim => multiplyDims(dim(ROWS), size);
  return {
    keys: multiplyDims(packed, roundedUpDim(width, 4)),
    values: multiplyDims(packed, roundedUpDim(valueWidth, 8)),
    queries: ofRows(roundedUpDim(width, 4)),
    sums: ofRows(roundedUpDim(valueWidth, 8)),
    scores: dim((TILE_ROWS * PITCH) / 4),
    largest: dim(ROWS),
    totals: dim(ROWS),
    factors: dim(TILE_ROWS),
    added: dim(TILE_ROWS),
  };
}

class AttendCode {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  /** What scores are of the products of queries with keys. */
  readonly #scale: number;
  readonly #heads: Heads<"q" | "out", "k" | "v">;
  readonly #pairs: { readonly count: I32; readonly keyHeads: I32 };
  readonly #rows: QueryRows;
  readonly #softmax: OnlineSoftmax;
  readonly #own: Readonly<Record<keyof ReturnType<typeof pieces>, I32>>;
  readonly #tile: Tile;
  readonly #isFew: I32;
  readonly #paddedKeys: I32;
  /** Bytes of the sums of four rows. */
  readonly #sumBytes: I32;
  /** Whether all packed values are finite numbers. */
  readonly #isFinite: Local<"i32">;
  /** The block of rows. */
  readonly #start: Local<"i32">;
  readonly #end: Local<"i32">;

  constructor({ operands, attrs, results }: StepOf<"attend">, k: KernelWriter) {
    const phase = k.phase();
    const sizes = sizesOf(operands, attrs.layout);
    const { q, k: keys, v } = operands;
    const rows = new QueryRows(k, phase, sizes, attrs);
    this.#k = k;
    this.#phase = phase;
    this.#scale = Math.LOG2E * attrs.scale;
    this.#rows = rows;
    this.#heads = new Heads(k, phase, rows, {
      ...{ sizes, attrs },
      queries: { q, out: onlyView(results) },
      keys: { k: keys, v },
    });
    this.#pairs = {
      count: k.size(multiplyDims(sizes.batch, sizes.keyHeads))(phase),
      keyHeads: k.size(sizes.keyHeads)(phase),
    };
    this.#own = ownPieces(k, pieces(sizes))(phase);
    const scores = new Scores(k, phase, rows, { attrs, operands });
    this.#softmax = new OnlineSoftmax(k, phase, scores, this.#own);
    this.#tile = new Tile(k.machine, phase);
    this.#isFew = phase.still(i32.lt_s(rows.count, i32.const(FEW)));
    this.#paddedKeys = phase.still(roundedUp(rows.keys, 8));
    this.#sumBytes = i32.mul(roundedUp(this.#heads.widthOf("v"), 8), i32.const(4 * TILE_ROWS));
    this.#isFinite = phase.local("i32");
    [this.#start, this.#end] = [phase.local("i32"), phase.local("i32")];
  }

  write(): void {
    const phase = this.#phase;
    const { count, keyHeads } = this.#pairs;
    const blocks = phase.still(i32.div_u(i32.add(this.#rows.count, i32.const(ROWS - 1)), i32.const(ROWS)));
    const units = phase.share(i32.mul(count, blocks));
    const [pair, packed, turn] = [phase.local("i32"), phase.local("i32"), phase.local("i32")];
    phase.push(
      packed.set(i32.const(-1)),
      phase.range(units.from, units.to, 1, (unit) => [
        pair.set(i32.div_u(unit, blocks)),
        turn.set(i32.rem_u(unit, blocks)),
        ...this.#heads.enter(i32.div_u(pair.get, keyHeads), i32.rem_u(pair.get, keyHeads)),
        when(i32.and(i32.eqz(this.#isFew), i32.ne(pair.get, packed.get)), [
          packed.set(pair.get),
          ...this.#pack(),
        ]),
        this.#start.set(i32.mul(outsideIn(turn.get, blocks), i32.const(ROWS))),
        this.#end.set(lesser(i32.add(this.#start.get, i32.const(ROWS)), this.#rows.count)),
        ...this.#block(),
      ]),
    );
  }

  #pack(): Statement[] {
    const phase = this.#phase;
    const count = this.#rows.keys;
    const source = (name: "k" | "v") => ({
      count,
      rowAt: (key: I32) => this.#heads.keyAt(name, key),
      width: this.#heads.widthOf(name),
    });
    const finite = phase.local("v128");
    const step = i32.shl(this.#paddedKeys, i32.const(5));
    return [
      packSideways(phase, 8, this.#own.keys, source("k")),
      finite.set(this.#k.constants.splatWord(-1)),
      ...packPanels(phase, { at: this.#own.values, step, end: this.#paddedKeys, finite }, source("v")),
      this.#isFinite.set(i32x4.all_true(finite.get)),
    ];
  }

  /** Where the sums of a row of the block begin. */
  #sumsAt(row: I32): I32 {
    const index = i32.sub(row, this.#start.get);
    const tile = i32.mul(i32.shr_u(index, i32.const(2)), this.#sumBytes);
    return i32.add(i32.add(this.#own.sums, tile), i32.shl(i32.and(index, i32.const(3)), i32.const(5)));
  }

  /** 32 rows: all their keys, a block at a time. */
  #block(): Statement[] {
    const phase = this.#phase;
    const [start, end] = [this.#start.get, this.#end.get];
    const last = i32.sub(end, i32.const(1));
    const [high, share] = [phase.local("i32"), phase.local("v128")];
    const total = phase.local("v128");
    const width = this.#heads.widthOf("v");
    return [
      when(i32.eqz(this.#isFew), [
        packSideways(phase, 4, this.#own.queries, {
          count: i32.sub(end, start),
          rowAt: (row) => this.#heads.queryAt("q", i32.add(start, row)),
          width: this.#heads.widthOf("q"),
          factor: this.#k.constants.splat(this.#scale),
        }),
      ]),
      phase.range(start, end, TILE_ROWS, (row) => [
        ...this.#softmax.begin(i32.shl(i32.sub(row, start), i32.const(2))),
        phase.range(i32.const(0), this.#sumBytes, 16, (byte) => [
          v128.store(i32.add(this.#sumsAt(row), byte), v128.zero),
        ]),
      ]),
      high.set(this.#rows.high(start, last)),
      phase.range(roundedDown(this.#rows.low(start, last), KEYS), high.get, KEYS, (key) => [
        phase.range(start, end, TILE_ROWS, (row) => this.#tileOf(row, key)),
      ]),
      phase.range(start, end, 1, (row) => [
        total.set(v128.load32_splat(i32.add(this.#own.totals, i32.shl(i32.sub(row, start), i32.const(2))))),
        // A row that sees nothing has the sum 0, and is 0.
        share.set(v128.and(f32x4.div(this.#k.constants.splat(1), total.get), f32x4.ne(total.get, v128.zero))),
        ...storeRow(phase, {
          from: (column) => i32.add(this.#sumsAt(row), tileOffset(column)),
          to: this.#heads.queryAt("out", row),
          width,
          factor: share.get,
        }),
      ]),
    ];
  }

  /** Four rows, from `first` on, and what they see of the block of keys from `block` on. */
  #tileOf(first: I32, block: I32): Statement[] {
    const phase = this.#phase;
    const local = (): Local<"i32"> => phase.local("i32");
    const [last, from, to, at] = [local(), local(), local(), local()];
    const tile: ScoreTile = { first, last: last.get, at: at.get, from: from.get, to: to.get };
    return [
      last.set(lesser(i32.add(first, i32.const(TILE_ROWS - 1)), i32.sub(this.#end.get, i32.const(1)))),
      from.set(larger(block, roundedDown(this.#rows.low(first, last.get), 8))),
      to.set(lesser(i32.add(block, i32.const(KEYS)), roundedUp(this.#rows.high(first, last.get), 8))),
      when(i32.lt_s(from.get, to.get), [
        at.set(i32.sub(this.#own.scores, i32.shl(block, i32.const(2)))),
        when(this.#isFew, [], this.#products(tile)),
        ...this.#softmax.update(
          tile,
          i32.shl(i32.sub(first, this.#start.get), i32.const(2)),
          (row) => this.#heads.whose(row),
          (row, scores) => [when(this.#isFew, this.#fewProducts(tile, row, scores))],
        ),
        when(this.#isFew, [this.#fewValues(tile)], this.#values(tile)),
      ]),
    ];
  }

  /** Products of four rows with keys, eight at a time. */
  #products({ first, at, from, to }: ScoreTile): Statement[] {
    const bytes = sideBytes(this.#heads.widthOf("q"), 4);
    const index = i32.shr_u(i32.sub(first, this.#start.get), i32.const(2));
    const queries = i32.add(this.#own.queries, i32.mul(index, bytes));
    return [
      this.#phase.range(from, to, TILE_COLUMNS, (key) => [
        ...this.#tile.clear(),
        ...this.#tile.add({
          left: { at: queries, row: 4, term: 16 },
          right: i32.add(this.#own.keys, i32.mul(i32.shr_u(key, i32.const(2)), bytes)),
          terms: roundedUp(this.#heads.widthOf("q"), 4),
        }),
        ...this.#tile.store(i32.add(at, i32.shl(key, i32.const(2))), PITCH),
      ]),
    ];
  }

  /** Adds values times weights, eight columns at a time; what is no finite number, by itself. */
  #values({ first, last, at, from, to }: ScoreTile): Statement[] {
    const width = this.#heads.widthOf("v");
    const sums = this.#sumsAt(first);
    const terms = i32.sub(to, from);
    const panels = i32.shr_u(roundedUp(width, 8), i32.const(3));
    const weights = i32.add(at, i32.shl(from, i32.const(2)));
    return [
      this.#phase.range(i32.const(0), panels, 1, (panel) => {
        const place = i32.add(sums, i32.mul(panel, i32.const(TILE_BYTES)));
        const values = i32.add(i32.mul(panel, this.#paddedKeys), from);
        return [
          ...this.#tile.loadTimes(place, this.#own.factors),
          ...this.#tile.add({
            left: { at: weights, row: PITCH, term: 4 },
            right: i32.add(this.#own.values, i32.shl(values, i32.const(5))),
            terms,
          }),
          ...this.#tile.store(place),
        ];
      }),
      when(i32.eqz(this.#isFinite.get), [
        this.#phase.range(first, i32.add(last, i32.const(1)), 1, (row) => [
          addRest(this.#phase, {
            from,
            to: lesser(to, this.#rows.keys),
            weightAt: (key) => i32.add(this.#scoresOf(row, first, at), i32.shl(key, i32.const(2))),
            width,
            valueAt: (key, column) => i32.add(this.#heads.keyAt("v", key), i32.shl(column, i32.const(2))),
            sumAt: (_, column) => i32.add(this.#sumsAt(row), tileOffset(column)),
          }),
        ]),
      ]),
    ];
  }

  #scoresOf(row: I32, first: I32, at: I32): I32 {
    return i32.add(at, i32.mul(i32.sub(row, first), i32.const(PITCH)));
  }

  #fewProducts({ from, to }: ScoreTile, row: I32, scores: I32): Statement[] {
    return dotProducts(
      this.#k,
      this.#phase,
      { query: this.#heads.queryAt("q", row), scores, factor: this.#k.constants.splat(this.#scale) },
      this.#heads.ofKeys("k"),
      { from, to: lesser(to, this.#rows.keys) },
    );
  }

  #fewValues({ first, last, at, from, to }: ScoreTile): Statement {
    const [factor, weights] = [this.#phase.local("v128"), this.#phase.local("i32")];
    return this.#phase.range(first, i32.add(last, i32.const(1)), 1, (row) => [
      factor.set(v128.load32_splat(i32.add(this.#own.factors, i32.shl(i32.sub(row, first), i32.const(2))))),
      weights.set(this.#scoresOf(row, first, at)),
      ...weightedSums(
        this.#k,
        this.#phase,
        { weights: weights.get, sums: this.#sumsAt(row), factor: factor.get },
        this.#heads.ofKeys("v"),
        { from, to: lesser(to, this.#rows.keys) },
      ),
    ]);
  }
}

/** Blocks from both ends in turn, so that parts of them cost alike where later rows see more keys. */
const outsideIn = (turn: I32, blocks: I32): I32 => {
  const half = i32.shr_u(turn, i32.const(1));
  const last = i32.sub(i32.sub(blocks, i32.const(1)), half);
  return select(i32.and(turn, i32.const(1)), last, half);
};
