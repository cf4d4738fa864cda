import type { View } from "../../../kernels/view.ts";
import { LEAST_FLOAT } from "../../../ops/evaluate/attend.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, v128 } from "../assembler/simd.ts";
import { applyFunction } from "../functions/apply.ts";
import { asFloats, floats } from "../functions/lanes.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { across } from "./scores.ts";
import { straight } from "./straight.ts";
import type { RowOf } from "./stretched.ts";
import { TILE_ROWS } from "./tile.ts";

/** Words of a thread's own: of each row of a tile the largest score, the sum of its powers, and that of their products. */
export const OBSERVED_WORDS = 3 * TILE_ROWS;

/**
 * The largest score of each query row and the entropy of its weights, two results [B, H, T]. With powers p = 2^d of how far scores
 * lie below the largest, of which Σ p is there already, the entropy is log Σ p - log 2 · Σ p d / Σ p: a product and a sum more
 * a score, and a logarithm for four rows.
 */
export class ObservedRows {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  /** Where the words of a tile stand. */
  readonly #tile: Readonly<Record<"largest" | "totals" | "below", I32>>;
  readonly #results: readonly I32[];
  readonly #heads: I32;
  readonly #queries: I32;
  /** Takes in the products of a row, lane by lane. */
  readonly below: Local<"v128">;

  constructor(
    { k, phase }: { readonly k: KernelWriter; readonly phase: Phase },
    largest: I32,
    results: readonly View[],
  ) {
    const [, heads, queries] = results[0]!.type.shape;
    this.#k = k;
    this.#phase = phase;
    const words = (rows: number): I32 => i32.add(largest, i32.const(4 * TILE_ROWS * rows));
    this.#tile = { largest, totals: words(1), below: words(2) };
    this.#results = results.map((view) => k.address(view)(phase));
    this.#heads = k.size(heads!)(phase);
    this.#queries = k.size(queries!)(phase);
    this.below = phase.local("v128");
  }

  /** A row begins. */
  begin(): Statement {
    return this.below.set(v128.zero);
  }

  /** Row `index` of the tile has been gone through; `total` is the sum of its powers. */
  leave(index: I32, total: V128): Statement[] {
    const at = i32.shl(index, i32.const(2));
    return [
      ...across(f32x4.add, this.below),
      v128.store32_lane(i32.add(this.#tile.totals, at), total, 0),
      v128.store32_lane(i32.add(this.#tile.below, at), this.below.get, 0),
    ];
  }

  /** All rows of the tile have been: the words become what is stored. */
  finish(): Statement[] {
    const { largest, totals, below } = this.#tile;
    const { constants } = this.#k;
    const [total, most] = this.#phase.locals("v128", 2) as [Local<"v128">, Local<"v128">];
    const isSeen = f32x4.ne(total.get, v128.zero);
    const log2 = constants.splat(Math.LN2);
    return straight(this.#k, this.#phase, (body) => {
      body.push(total.set(v128.load(totals)));
      const [log] = asFloats(applyFunction("log", [floats([total.get])], body), body);
      const mean = f32x4.mul(f32x4.div(v128.load(below), total.get), log2);
      // Where a weight is NaN both are: what is added to the largest score is 0 else.
      body.push(
        v128.store(below, v128.and(f32x4.sub(log!, mean), isSeen)),
        most.set(f32x4.add(f32x4.mul(v128.load(largest), log2), f32x4.sub(total.get, total.get))),
        v128.store(largest, v128.bitselect(most.get, constants.splat(LEAST_FLOAT), isSeen)),
      );
    });
  }

  /** Stores the numbers of row `index` of the tile. */
  store(index: I32, { item, head, query }: RowOf): Statement[] {
    const ofHead = i32.add(i32.mul(item, this.#heads), head);
    const offset = i32.shl(i32.add(i32.mul(ofHead, this.#queries), query), i32.const(2));
    const at = i32.shl(index, i32.const(2));
    return [this.#tile.largest, this.#tile.below].map((row, result) =>
      i32.store(i32.add(this.#results[result]!, offset), i32.load(i32.add(row, at))),
    );
  }
}
