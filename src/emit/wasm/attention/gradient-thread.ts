import type { View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { addDims, constantDim, dim, floorDivideDim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { lesser } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import type { BiasAdder } from "./bias-adder.ts";
import type { BiasGradient, Dealt } from "./bias-gradient.ts";
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
} from "./geometry.ts";
import { Heads } from "./heads.ts";
import { OBSERVED_WORDS, ObservedRows } from "./observed.ts";
import { Scores } from "./scores.ts";
import { Tile, TILE_ROWS } from "./tile.ts";

type AttendGrad = StepOf<"attend_grad">;

/** Words of a thread's own. */
function pieces({ keys, width, valueWidth }: Sizes, { softcap, observe }: AttendGrad["attrs"]) {
  const blocks = floorDivideDim(addDims(keys, dim(KEYS - 1)), KEYS);
  const scores = multiplyDims(blocks, dim((ROWS * PITCH) / 4));
  const ofKeys = (size: Dim): Dim => multiplyDims(roundedUpDim(keys, 8), size);
  const ofRows = (size: Dim): Dim => multiplyDims(dim(ROWS), size);
  const [width4, width8] = [roundedUpDim(width, 4), roundedUpDim(width, 8)];
  const [value4, value8] = [roundedUpDim(valueWidth, 4), roundedUpDim(valueWidth, 8)];
  return {
    // As factors of scores and of weights' gradients: side by side; as factors by rows: in panels.
    ...{ keysSideways: ofKeys(width4), valuesSideways: ofKeys(value4), keyPanels: ofKeys(width8) },
    ...{ queriesSideways: ofRows(width4), gradsSideways: ofRows(value4) },
    ...{ queryPanels: ofRows(width8), gradPanels: ofRows(value8) },
    // What is added up.
    ...{ keySums: ofKeys(width8), valueSums: ofKeys(value8), querySums: multiplyDims(dim(4), width8) },
    // A block of rows by blocks of keys: weights, their gradients, and with a cap the tangents.
    ...{ weights: scores, slopes: scores, tangents: softcap > 0 ? scores : dim(0) },
    // With what `ObservedRows` keeps of them.
    largest: dim(observe ? OBSERVED_WORDS : TILE_ROWS),
  };
}

/** Keys of one block: where it begins, and which of them. */
export interface BlockKeys {
  readonly block: I32;
  readonly from: I32;
  readonly to: I32;
  /** As of a row of scores. */
  readonly end: I32;
}

/** What a thread has for the gradient of attention: tensors, memory of its own, and 32 query rows of a key head at a time. */
export class GradientThread {
  readonly k: KernelWriter;
  readonly phase: Phase;
  readonly attrs: AttendGrad["attrs"];
  readonly heads: Heads<"q" | "grad" | "dq", "k" | "v" | "dk" | "dv">;
  readonly dealt: Dealt;
  readonly bias: BiasAdder | undefined;
  readonly observed: ObservedRows | undefined;
  readonly rows: QueryRows;
  readonly scores: Scores;
  readonly own: Readonly<Record<keyof ReturnType<typeof pieces>, I32>>;
  readonly tile: Tile;
  readonly paddedKeys: I32;
  /** 0, or NaN once a row of the key head has NaN for its weights: those of all keys, seen or not. */
  readonly nan: Local<"v128">;
  /** Whether some rows of a block may see keys that are neither seen by all before nor after it. */
  readonly isRagged: boolean;
  /** The block of rows, and the keys that some of them see, in whole panels. */
  readonly start: Local<"i32">;
  readonly end: Local<"i32">;
  readonly low: Local<"i32">;
  readonly high: Local<"i32">;

  constructor({ operands, attrs, results }: AttendGrad, k: KernelWriter, bias: BiasGradient) {
    const phase = k.phase();
    const sizes = sizesOf(operands, attrs.layout);
    const { grad, q, k: keys, v } = operands;
    const [dq, dk, dv] = results as [View, View, View];
    const rows = new QueryRows(k, phase, sizes, attrs);
    this.k = k;
    this.phase = phase;
    this.attrs = attrs;
    this.rows = rows;
    this.heads = new Heads(k, phase, rows, {
      ...{ sizes, attrs },
      queries: { q, grad, dq },
      keys: { k: keys, v, dk, dv },
    });
    this.dealt = bias.dealt(phase, sizes);
    this.bias = bias.adder(phase);
    this.own = ownPieces(k, pieces(sizes, attrs))(phase);
    this.scores = new Scores(k, phase, rows, { attrs, operands });
    this.observed = attrs.observe
      ? new ObservedRows({ k, phase }, this.own.largest, results.slice(-2))
      : undefined;
    this.tile = new Tile(k.machine, phase);
    this.nan = phase.local("v128");
    this.paddedKeys = phase.still(roundedUp(rows.keys, 8));
    this.isRagged = attrs.window !== undefined || constantDim(sizes.group) !== 1;
    [this.start, this.end] = [phase.local("i32"), phase.local("i32")];
    [this.low, this.high] = [phase.local("i32"), phase.local("i32")];
  }

  /** Bytes of a panel of all keys. */
  get panelStep(): I32 {
    return i32.shl(this.paddedKeys, i32.const(5));
  }

  /** Where a column of a key stands in panels. */
  inPanels(at: I32, key: I32, column: I32): I32 {
    const panel = i32.mul(i32.shr_u(column, i32.const(3)), this.panelStep);
    const place = i32.add(i32.shl(key, i32.const(5)), i32.shl(i32.and(column, i32.const(7)), i32.const(2)));
    return i32.add(i32.add(at, panel), place);
  }

  /** The keys from one to another, a block at a time. */
  blocks(from: I32, to: I32, body: (keys: BlockKeys) => readonly Statement[]): Statement {
    const local = (): Local<"i32"> => this.phase.local("i32");
    const [first, last, end] = [local(), local(), local()];
    return this.phase.range(roundedDown(from, KEYS), to, KEYS, (block) => [
      first.set(larger(block, from)),
      last.set(lesser(i32.add(block, i32.const(KEYS)), to)),
      end.set(i32.add(first.get, roundedUp(i32.sub(last.get, first.get), 16))),
      ...body({ block, from: first.get, to: last.get, end: end.get }),
    ]);
  }

  /** Where key 0 of a row would stand in the memory of a block of keys. */
  rowIn(name: "weights" | "slopes" | "tangents", row: I32, block: I32): I32 {
    const start = i32.add(this.own[name], i32.mul(block, i32.const((ROWS * PITCH) / KEYS - 4)));
    return i32.add(start, i32.mul(i32.sub(row, this.start.get), i32.const(PITCH)));
  }
}
