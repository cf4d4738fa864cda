import { LEAST_FLOAT } from "../../../ops/evaluate/attend.ts";
import type { I32, Statement } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { PITCH, roundedUp } from "./geometry.ts";
import { powerOfTwo } from "./powers.ts";
import { across, powersOfRow, type Scores, type ScoreRow } from "./scores.ts";
import { straight } from "./straight.ts";
import type { RowOf } from "./stretched.ts";

/** What is known of each row of a block so far, a word a row: its largest score, and the sum of its powers. */
export interface RunningRows {
  readonly largest: I32;
  readonly totals: I32;
  /** For four rows: by what their sums so far must be multiplied; and the sums of a block of keys. */
  readonly factors: I32;
  readonly added: I32;
}

/** Four rows of scores: the first, where score 0 of it would stand, and the keys, a multiple of 8 of them. */
export interface ScoreTile {
  readonly first: I32;
  readonly last: I32;
  readonly at: I32;
  readonly from: I32;
  readonly to: I32;
}

/** Softmax over blocks of keys: where a larger score comes, what was added up before shrinks. */
export class OnlineSoftmax {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  readonly #scores: Scores;
  readonly #rows: RunningRows;
  readonly #before: Local<"v128">;
  readonly #lanes: Local<"v128">;

  constructor(k: KernelWriter, phase: Phase, scores: Scores, rows: RunningRows) {
    this.#k = k;
    this.#phase = phase;
    this.#scores = scores;
    this.#rows = rows;
    [this.#before, this.#lanes] = [phase.local("v128"), phase.local("v128")];
  }

  /** Four rows, the first of which has the words at `offset`, that have seen nothing. */
  begin(offset: I32): Statement[] {
    return [
      v128.store(i32.add(this.#rows.largest, offset), this.#k.constants.splat(LEAST_FLOAT)),
      v128.store(i32.add(this.#rows.totals, offset), v128.zero),
    ];
  }

  /** Scores become powers, 2^(score - the largest so far); `row` begins with the scores of each row. */
  update(
    tile: ScoreTile,
    offset: I32,
    whose: (row: I32) => RowOf,
    prepare: (row: I32, at: I32) => Statement[],
  ): Statement[] {
    const phase = this.#phase;
    const [at, end] = [phase.local("i32"), phase.local("i32")];
    const lane = phase.local("i32");
    const { largest, totals, factors, added } = this.#rows;
    const scores: ScoreRow = { at: at.get, from: tile.from, to: tile.to, end: end.get };
    const [most, sum] = [this.#lanes, phase.local("v128")];
    return [
      end.set(i32.add(tile.from, roundedUp(i32.sub(tile.to, tile.from), 16))),
      this.#before.set(v128.load(i32.add(largest, offset))),
      v128.store(added, v128.zero),
      at.set(tile.at),
      lane.set(i32.const(0)),
      phase.range(tile.first, i32.add(tile.last, i32.const(1)), 1, (row) => [
        ...prepare(row, at.get),
        ...this.#scores.cap(scores),
        most.set(v128.load32_splat(i32.add(i32.add(largest, offset), lane.get))),
        ...this.#scores.finish(scores, row, whose(row), most),
        ...across(f32x4.pmax, most),
        v128.store32_lane(i32.add(i32.add(largest, offset), lane.get), most.get, 0),
        sum.set(v128.zero),
        powersOfRow({ k: this.#k, phase }, scores, most.get, sum),
        ...across(f32x4.add, sum),
        v128.store32_lane(i32.add(added, lane.get), sum.get, 0),
        at.set(i32.add(at.get, i32.const(PITCH))),
        lane.set(i32.add(lane.get, i32.const(4))),
      ]),
      ...straight(this.#k, phase, (body) => {
        const shift = f32x4.sub(this.#before.get, v128.load(i32.add(largest, offset)));
        const [factor] = powerOfTwo([shift], body).values;
        const total = i32.add(totals, offset);
        body.push(
          this.#before.set(factor!),
          v128.store(factors, this.#before.get),
          v128.store(total, f32x4.add(f32x4.mul(v128.load(total), this.#before.get), v128.load(added))),
        );
      }),
    ];
  }
}
