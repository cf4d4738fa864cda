import { onlyView } from "../../../kernels/results.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { constantDim, dim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import type { I32 } from "../assembler/code.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import {
  ownPieces,
  PITCH,
  QueryRows,
  ROWS,
  roundedUp,
  roundedUpDim,
  sizesOf,
  type Sizes,
} from "./geometry.ts";
import { Heads } from "./heads.ts";
import { OnlineSoftmax } from "./online.ts";
import { Scores } from "./scores.ts";
import { Tile, TILE_ROWS } from "./tile.ts";
import { WideTile } from "./wide-tile.ts";

/** So few query rows read keys and values as they lie: packing would cost more than it saves. */
const FEW = 8;

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

/** What a thread has for attention: tensors, memory of its own, and 32 query rows of a key head at a time. */
export class AttendThread {
  readonly k: KernelWriter;
  readonly phase: Phase;
  /** What scores are of the products of queries with keys. */
  readonly scale: number;
  readonly heads: Heads<"q" | "out", "k" | "v">;
  readonly pairs: { readonly count: I32; readonly keyHeads: I32 };
  readonly rows: QueryRows;
  readonly softmax: OnlineSoftmax;
  readonly own: Readonly<Record<keyof ReturnType<typeof pieces>, I32>>;
  readonly tile: Tile;
  /** For as much as it takes, where it is faster. */
  readonly wide: WideTile | undefined;
  readonly isFew: I32;
  readonly paddedKeys: I32;
  /** Bytes of the sums of four rows. */
  readonly sumBytes: I32;
  /** Whether all packed values are finite numbers. */
  readonly isFinite: Local<"i32">;
  /** The block of rows. */
  readonly start: Local<"i32">;
  readonly end: Local<"i32">;

  constructor({ operands, attrs, results }: StepOf<"attend">, k: KernelWriter) {
    const phase = k.phase();
    const sizes = sizesOf(operands, attrs.layout);
    const { q, k: keys, v } = operands;
    const rows = new QueryRows(k, phase, sizes, attrs);
    this.k = k;
    this.phase = phase;
    this.scale = Math.LOG2E * attrs.scale;
    this.rows = rows;
    this.heads = new Heads(k, phase, rows, {
      ...{ sizes, attrs },
      queries: { q, out: onlyView(results) },
      keys: { k: keys, v },
    });
    this.pairs = {
      count: k.size(multiplyDims(sizes.batch, sizes.keyHeads))(phase),
      keyHeads: k.size(sizes.keyHeads)(phase),
    };
    this.own = ownPieces(k, pieces(sizes))(phase);
    const scores = new Scores(k, phase, rows, { attrs, operands });
    this.softmax = new OnlineSoftmax(k, phase, scores, this.own);
    // What it leaves to wide ones is most of the work: it may be short.
    this.tile = new Tile(k.machine, phase, 1);
    this.wide = k.machine.fma ? new WideTile(k.machine, phase) : undefined;
    this.isFew = phase.still(i32.lt_s(rows.count, i32.const(FEW)));
    this.paddedKeys = phase.still(roundedUp(rows.keys, 8));
    this.sumBytes = i32.mul(roundedUp(this.heads.widthOf("v"), 8), i32.const(4 * TILE_ROWS));
    this.isFinite = phase.local("i32");
    [this.start, this.end] = [phase.local("i32"), phase.local("i32")];
  }

  /** Where the sums of a row of the block begin. */
  sumsAt(row: I32): I32 {
    const index = i32.sub(row, this.start.get);
    const tile = i32.mul(i32.shr_u(index, i32.const(2)), this.sumBytes);
    return i32.add(i32.add(this.own.sums, tile), i32.shl(i32.and(index, i32.const(3)), i32.const(5)));
  }

  scoresOf(row: I32, first: I32, at: I32): I32 {
    return i32.add(at, i32.mul(i32.sub(row, first), i32.const(PITCH)));
  }
}
