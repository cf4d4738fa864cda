import type { View } from "../../../kernels/view.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { constantDim, dim, floorDivideDim, addDims, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
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
import { across, LEAST, powersOfRow, Scores } from "../attention/scores.ts";
import { BiasGradient, type BiasAdder, type Dealt } from "../attention/bias-slopes.ts";
import { clearKeys, meanOfRow, slopesOfRow, uncapRow, type SlopeRow } from "../attention/slopes.ts";
import { Tile, TILE_BYTES, TILE_COLUMNS, TILE_ROWS, tileOffset } from "../attention/tile.ts";
import type { KernelWriter, Phase, WasmKernel } from "../kernel.ts";

type AttendGrad = StepOf<"attend_grad">;

/**
 * The gradient of attention, the products of 32 query rows with all keys at a time: weights are computed again, then the
 * gradients of scores from them, then by products those of q (for four rows), and of k and v, which a thread adds up for all
 * rows and heads of a key head.
 */
export const attend_grad: WasmKernel<"attend_grad"> = (step, k) => {
  const sizes = sizesOf(step.operands, step.attrs.layout);
  const bias = new BiasGradient(k, sizes, step.results[3]);
  bias.clear();
  new AttendGradCode(step, k, bias).write();
  bias.join();
  return k.finish("attend_grad", "The gradient of attention, 32 query rows at a time.");
};

/** Words of a thread's own. */
function pieces({ keys, width, valueWidth }: Sizes, { softcap }: AttendGrad["attrs"]) {
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
    largest: dim(TILE_ROWS),
  };
}

/** Keys of one block: where it begins, and which of them. */
interface BlockKeys {
  readonly block: I32;
  readonly from: I32;
  readonly to: I32;
  /** As of a row of scores. */
  readonly end: I32;
}

class AttendGradCode {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  readonly #attrs: AttendGrad["attrs"];
  readonly #heads: Heads<"q" | "grad" | "dq", "k" | "v" | "dk" | "dv">;
  readonly #dealt: Dealt;
  readonly #bias: BiasAdder | undefined;
  readonly #rows: QueryRows;
  readonly #scores: Scores;
  readonly #own: Readonly<Record<keyof ReturnType<typeof pieces>, I32>>;
  readonly #tile: Tile;
  readonly #paddedKeys: I32;
  /** Whether some rows of a block may see keys that are neither seen by all before nor after it. */
  readonly #isRagged: boolean;
  /** The block of rows, and the keys that some of them see, in whole panels. */
  readonly #start: Local<"i32">;
  readonly #end: Local<"i32">;
  readonly #low: Local<"i32">;
  readonly #high: Local<"i32">;

  constructor({ operands, attrs, results }: AttendGrad, k: KernelWriter, bias: BiasGradient) {
    const phase = k.phase();
    const sizes = sizesOf(operands, attrs.layout);
    const { grad, q, k: keys, v } = operands;
    const [dq, dk, dv] = results as [View, View, View];
    const rows = new QueryRows(k, phase, sizes, attrs);
    this.#k = k;
    this.#phase = phase;
    this.#attrs = attrs;
    this.#rows = rows;
    this.#heads = new Heads(k, phase, rows, {
      ...{ sizes, attrs },
      queries: { q, grad, dq },
      keys: { k: keys, v, dk, dv },
    });
    this.#dealt = bias.dealt(phase, sizes);
    this.#bias = bias.adder(phase);
    this.#own = ownPieces(k, pieces(sizes, attrs))(phase);
    this.#scores = new Scores(k, phase, rows, { attrs, operands });
    this.#tile = new Tile(k.machine, phase);
    this.#paddedKeys = phase.still(roundedUp(rows.keys, 8));
    this.#isRagged = attrs.window !== undefined || constantDim(sizes.group) !== 1;
    [this.#start, this.#end] = [phase.local("i32"), phase.local("i32")];
    [this.#low, this.#high] = [phase.local("i32"), phase.local("i32")];
  }

  write(): void {
    const phase = this.#phase;
    const { parts, from, to, item, keyHead } = this.#dealt;
    const own = phase.share(parts);
    phase.push(
      phase.range(own.from, own.to, 1, (part) => [
        ...(this.#bias ? [this.#bias.begin(part)] : []),
        phase.range(from(part), to(part), 1, (index) => [
          ...this.#heads.enter(item(part, index), keyHead(part, index)),
          ...this.#packKeys(),
          phase.range(i32.const(0), this.#rows.count, ROWS, (start) => [
            this.#start.set(start),
            this.#end.set(lesser(i32.add(start, i32.const(ROWS)), this.#rows.count)),
            ...this.#block(),
          ]),
          ...this.#storeKeys(),
        ]),
      ]),
    );
  }

  #packKeys(): Statement[] {
    const phase = this.#phase;
    const source = (name: "k" | "v") => ({
      count: this.#rows.keys,
      rowAt: (key: I32) => this.#heads.keyAt(name, key),
      width: this.#heads.widthOf(name),
    });
    const finite = phase.local("v128");
    const clear = (at: I32, name: "k" | "v"): Statement => {
      const floats = i32.mul(this.#paddedKeys, roundedUp(this.#heads.widthOf(name), 8));
      return clearKeys(phase, at, i32.const(0), floats);
    };
    return [
      packSideways(phase, 8, this.#own.keysSideways, source("k")),
      packSideways(phase, 8, this.#own.valuesSideways, source("v")),
      // A key that is no finite number makes no finite scores: where it is seen it shows in them.
      ...packPanels(
        phase,
        { at: this.#own.keyPanels, step: this.#panelStep, end: this.#paddedKeys, finite },
        source("k"),
      ),
      clear(this.#own.keySums, "k"),
      clear(this.#own.valueSums, "v"),
    ];
  }

  /** Bytes of a panel of all keys. */
  get #panelStep(): I32 {
    return i32.shl(this.#paddedKeys, i32.const(5));
  }

  /** Where a column of a key stands in panels. */
  #inPanels(at: I32, key: I32, column: I32): I32 {
    const panel = i32.mul(i32.shr_u(column, i32.const(3)), this.#panelStep);
    const place = i32.add(i32.shl(key, i32.const(5)), i32.shl(i32.and(column, i32.const(7)), i32.const(2)));
    return i32.add(i32.add(at, panel), place);
  }

  #storeKeys(): Statement[] {
    const store = (name: "dk" | "dv", at: I32) => (key: I32) =>
      storeRow(this.#phase, {
        from: (column) => this.#inPanels(at, key, column),
        to: this.#heads.keyAt(name, key),
        width: this.#heads.widthOf(name),
        factor: this.#k.constants.splat(1),
      });
    return [
      this.#phase.range(i32.const(0), this.#rows.keys, 1, store("dk", this.#own.keySums)),
      this.#phase.range(i32.const(0), this.#rows.keys, 1, store("dv", this.#own.valueSums)),
    ];
  }

  /** 32 rows with all their keys. */
  #block(): Statement[] {
    const phase = this.#phase;
    const [start, end] = [this.#start.get, this.#end.get];
    const last = i32.sub(end, i32.const(1));
    const finite = phase.local("v128");
    const source = (name: "q" | "grad") => ({
      count: i32.sub(end, start),
      rowAt: (row: I32) => this.#heads.queryAt(name, i32.add(start, row)),
      width: this.#heads.widthOf(name),
    });
    const factor = (value: number) => ({ factor: this.#k.constants.splat(value) });
    const { scale } = this.#attrs;
    const panel = {
      step: i32.const(32 * ROWS),
      end: roundedUp(i32.sub(end, start), TILE_ROWS),
      finite,
    };
    return [
      packSideways(phase, 4, this.#own.queriesSideways, { ...source("q"), ...factor(Math.LOG2E * scale) }),
      packSideways(phase, 4, this.#own.gradsSideways, source("grad")),
      ...packPanels(phase, { at: this.#own.queryPanels, ...panel }, { ...source("q"), ...factor(scale) }),
      finite.set(this.#k.constants.splatWord(-1)),
      ...packPanels(phase, { at: this.#own.gradPanels, ...panel }, source("grad")),
      this.#low.set(roundedDown(this.#rows.low(start, last), 8)),
      this.#high.set(roundedUp(this.#rows.high(start, last), 8)),
      phase.range(start, end, TILE_ROWS, (row) => this.#tileOf(row)),
      this.#toKeys(),
      when(i32.eqz(i32x4.all_true(finite.get)), [this.#restOfGrads()]),
    ];
  }

  /** The keys from one to another, a block at a time. */
  #blocks(from: I32, to: I32, body: (keys: BlockKeys) => readonly Statement[]): Statement {
    const local = (): Local<"i32"> => this.#phase.local("i32");
    const [first, last, end] = [local(), local(), local()];
    return this.#phase.range(roundedDown(from, KEYS), to, KEYS, (block) => [
      first.set(larger(block, from)),
      last.set(lesser(i32.add(block, i32.const(KEYS)), to)),
      end.set(i32.add(first.get, roundedUp(i32.sub(last.get, first.get), 16))),
      ...body({ block, from: first.get, to: last.get, end: end.get }),
    ]);
  }

  /** Where key 0 of a row would stand in the memory of a block of keys. */
  #rowIn(name: "weights" | "slopes" | "tangents", row: I32, block: I32): I32 {
    const start = i32.add(this.#own[name], i32.mul(block, i32.const((ROWS * PITCH) / KEYS - 4)));
    return i32.add(start, i32.mul(i32.sub(row, this.#start.get), i32.const(PITCH)));
  }

  /** The weights of four rows, the gradients of their scores, and from these that of the queries. */
  #tileOf(first: I32): Statement[] {
    const phase = this.#phase;
    const local = (): Local<"i32"> => phase.local("i32");
    const [last, from, to] = [local(), local(), local()];
    const past = i32.add(last.get, i32.const(1));
    const rows = (body: (row: I32) => readonly Statement[]): Statement => phase.range(first, past, 1, body);
    const unseen = phase.range(
      this.#isRagged ? first : past,
      i32.add(first, i32.const(TILE_ROWS)),
      1,
      (row) => [
        this.#blocks(this.#low.get, this.#high.get, (keys) =>
          (["weights", "slopes"] as const).map((name) =>
            clearKeys(phase, this.#rowIn(name, row, keys.block), keys.from, keys.to),
          ),
        ),
      ],
    );
    const end = i32.sub(this.#end.get, i32.const(1));
    return [
      last.set(lesser(i32.add(first, i32.const(TILE_ROWS - 1)), end)),
      from.set(roundedDown(this.#rows.low(first, last.get), 8)),
      to.set(roundedUp(this.#rows.high(first, last.get), 8)),
      unseen,
      v128.store(this.#own.largest, this.#k.constants.splat(LEAST)),
      this.#blocks(from.get, to.get, (keys) => [
        this.#products("weights", ["queriesSideways", "keysSideways", "q"], first, keys),
        rows((row) => this.#scoresOf(row, first, keys)),
        this.#products("slopes", ["gradsSideways", "valuesSideways", "grad"], first, keys),
      ]),
      rows((row) => this.#slopesOf(row, first, from.get, to.get)),
      ...this.#toQueries(first, from.get, to.get),
      rows((row) =>
        storeRow(phase, {
          from: (column) =>
            i32.add(
              i32.add(this.#own.querySums, i32.shl(i32.sub(row, first), i32.const(5))),
              tileOffset(column),
            ),
          to: this.#heads.queryAt("dq", row),
          width: this.#heads.widthOf("q"),
          factor: this.#k.constants.splat(this.#attrs.scale),
        }),
      ),
    ];
  }

  /** Products of four rows with the keys of a block, eight at a time. */
  #products(
    name: "weights" | "slopes",
    [rows, columns, operand]: readonly [
      "queriesSideways" | "gradsSideways",
      "keysSideways" | "valuesSideways",
      "q" | "grad",
    ],
    first: I32,
    { block, from, to }: BlockKeys,
  ): Statement {
    const width = this.#heads.widthOf(operand);
    const bytes = sideBytes(width, 4);
    const index = i32.shr_u(i32.sub(first, this.#start.get), i32.const(2));
    return this.#phase.range(from, to, TILE_COLUMNS, (key) => [
      ...this.#tile.clear(),
      ...this.#tile.add({
        left: { at: i32.add(this.#own[rows], i32.mul(index, bytes)), row: 4, term: 16 },
        right: i32.add(this.#own[columns], i32.mul(i32.shr_u(key, i32.const(2)), bytes)),
        terms: roundedUp(width, 4),
      }),
      ...this.#tile.store(i32.add(this.#rowIn(name, first, block), i32.shl(key, i32.const(2))), PITCH),
    ]);
  }

  /** Products of a row become scores, and its largest is known. */
  #scoresOf(row: I32, first: I32, keys: BlockKeys): Statement[] {
    const largest = this.#phase.local("v128");
    const place = i32.add(this.#own.largest, i32.shl(i32.sub(row, first), i32.const(2)));
    const scores = { ...keys, at: this.#rowIn("weights", row, keys.block) };
    return [
      ...this.#scores.cap(scores, this.#rowIn("tangents", row, keys.block)),
      largest.set(v128.load32_splat(place)),
      ...this.#scores.finish(scores, row, this.#heads.whose(row), largest),
      ...across(f32x4.pmax, largest),
      v128.store32_lane(place, largest.get, 0),
    ];
  }

  /** Scores of a row become weights, and the gradients of weights those of scores. */
  #slopesOf(row: I32, first: I32, from: I32, to: I32): Statement[] {
    const [largest, sum, mean] = this.#phase.locals("v128", 3) as [
      Local<"v128">,
      Local<"v128">,
      Local<"v128">,
    ];
    const where = { k: this.#k, phase: this.#phase };
    const each = (body: (row: SlopeRow, block: I32) => readonly Statement[]): Statement =>
      this.#blocks(from, to, (keys) =>
        body(
          {
            ...keys,
            at: this.#rowIn("weights", row, keys.block),
            slopes: this.#rowIn("slopes", row, keys.block),
          },
          keys.block,
        ),
      );
    const share = f32x4.div(this.#k.constants.splat(1), sum.get);
    return [
      largest.set(v128.load32_splat(i32.add(this.#own.largest, i32.shl(i32.sub(row, first), i32.const(2))))),
      sum.set(v128.zero),
      each((keys) => [powersOfRow(where, keys, largest.get, sum)]),
      ...across(f32x4.add, sum),
      // A row that sees nothing has the sum 0, and no weights.
      sum.set(v128.and(share, f32x4.ne(sum.get, v128.zero))),
      mean.set(v128.zero),
      each((keys) => [meanOfRow(where, keys, sum.get, mean)]),
      ...across(f32x4.add, mean),
      each((keys, block) => [
        slopesOfRow(where, keys, mean.get),
        ...(this.#bias
          ? this.#bias.add(keys.slopes, this.#heads.whose(row), keys.from, lesser(keys.to, this.#rows.keys))
          : []),
        ...(this.#attrs.softcap > 0 ? [uncapRow(where, keys, this.#rowIn("tangents", row, block))] : []),
      ]),
    ];
  }

  /** Four rows of the gradient of queries: slopes times keys. */
  #toQueries(first: I32, from: I32, to: I32): Statement[] {
    const panels = i32.shr_u(roundedUp(this.#heads.widthOf("q"), 8), i32.const(3));
    return [
      this.#phase.range(i32.const(0), panels, 1, (panel) => [
        ...this.#tile.clear(),
        this.#blocks(from, to, (keys) => {
          const slopes = i32.add(this.#rowIn("slopes", first, keys.block), i32.shl(keys.from, i32.const(2)));
          const place = i32.add(i32.mul(panel, this.#panelStep), i32.shl(keys.from, i32.const(5)));
          return this.#tile.add({
            left: { at: slopes, row: PITCH, term: 4 },
            right: i32.add(this.#own.keyPanels, place),
            terms: i32.sub(keys.to, keys.from),
          });
        }),
        ...this.#tile.store(i32.add(this.#own.querySums, i32.mul(panel, i32.const(TILE_BYTES)))),
      ]),
    ];
  }

  /** Adds to the gradients of values and keys what comes from the rows of the block, for four keys at a time. */
  #toKeys(): Statement {
    const first = this.#phase.local("i32");
    const count = roundedUp(i32.sub(this.#end.get, this.#start.get), TILE_ROWS);
    const add = (
      name: "weights" | "slopes",
      [sums, panels, operand]: readonly ["valueSums" | "keySums", "gradPanels" | "queryPanels", "grad" | "q"],
      key: I32,
      block: I32,
    ): Statement => {
      const row = i32.add(this.#start.get, first.get);
      const width = roundedUp(this.#heads.widthOf(operand), 8);
      return this.#phase.range(i32.const(0), i32.shr_u(width, i32.const(3)), 1, (panel) => {
        const place = i32.add(
          this.#own[sums],
          i32.add(i32.mul(panel, this.#panelStep), i32.shl(key, i32.const(5))),
        );
        const rows = i32.add(i32.mul(panel, i32.const(ROWS)), first.get);
        return [
          ...this.#tile.load(place),
          ...this.#tile.add({
            left: {
              at: i32.add(this.#rowIn(name, row, block), i32.shl(key, i32.const(2))),
              row: 4,
              term: PITCH,
            },
            right: i32.add(this.#own[panels], i32.shl(rows, i32.const(5))),
            terms: i32.sub(count, first.get),
          }),
          ...this.#tile.store(place),
        ];
      });
    };
    return this.#blocks(this.#low.get, this.#high.get, ({ block, from, to }) => [
      this.#phase.range(from, to, TILE_ROWS, (key) => [
        first.set(this.#firstRow(key)),
        when(i32.lt_s(first.get, count), [
          add("weights", ["valueSums", "gradPanels", "grad"], key, block),
          add("slopes", ["keySums", "queryPanels", "q"], key, block),
        ]),
      ]),
    ]);
  }

  /** Which of the tiles of the block sees a key first, as a row of it. Those before have left nothing for it. */
  #firstRow(key: I32): I32 {
    if (this.#isRagged || !this.#attrs.causal) return i32.const(0);
    const row = i32.sub(key, this.#rows.positionOf(this.#start.get));
    return roundedDown(larger(row, i32.const(0)), TILE_ROWS);
  }

  /** What of the gradient is no finite number goes to the values that are seen. */
  #restOfGrads(): Statement {
    return this.#phase.range(this.#start.get, this.#end.get, 1, (row) => [
      this.#blocks(this.#low.get, this.#high.get, ({ block, from, to }) => [
        addRest(this.#phase, {
          from: larger(from, this.#rows.low(row, row)),
          to: lesser(to, this.#rows.high(row, row)),
          weightAt: (key) => i32.add(this.#rowIn("weights", row, block), i32.shl(key, i32.const(2))),
          width: this.#heads.widthOf("grad"),
          valueAt: (_, column) => i32.add(this.#heads.queryAt("grad", row), i32.shl(column, i32.const(2))),
          sumAt: (key, column) => this.#inPanels(this.#own.valueSums, key, column),
        }),
      ]),
    ]);
  }
}
