import { alibiSlopes } from "../../../ops/evaluate/attend.ts";
import type { StepOf } from "../../../plan/plan.ts";
import { constantDim } from "../../../tensor/dim.ts";
import type { I32, Statement, V128 } from "../assembler/code.ts";
import { lesser, when } from "../assembler/control.ts";
import type { Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { f32x4, i32x4, v128 } from "../assembler/simd.ts";
import { applyFunction } from "../functions/apply.ts";
import { asFloats, floats } from "../functions/lanes.ts";
import type { Body, Wide } from "../functions/wide.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import { multiplyAdd } from "../machine.ts";
import { larger, roundedDown, type QueryRows } from "./geometry.ts";
import { powerOfTwo } from "./powers.ts";
import { straight } from "./straight.ts";
import { Stretched, type RowOf } from "./stretched.ts";

/** A row of scores, or some keys of it: `at` is where that of key 0 would stand. */
export interface ScoreRow {
  readonly at: I32;
  readonly from: I32;
  readonly to: I32;
  /** `from` and a multiple of 16, not before `to`: memory of the row, whose scores from `to` on become -∞. */
  readonly end: I32;
}

/** Turns of so many vectors along a row of scores as the machine writes out side by side. */
export function alongRow(
  { k, phase }: { readonly k: KernelWriter; readonly phase: Phase },
  { from, end }: Pick<ScoreRow, "from" | "end">,
  turn: (wide: { readonly load: (at: I32) => Wide; readonly offset: I32 }, body: Body) => void,
): Statement {
  const { unroll } = k.machine;
  const offset = phase.local("i32");
  const load = (row: I32): Wide =>
    Array.from({ length: unroll }, (_, u) => v128.load(i32.add(row, offset.get), 16 * u));
  return phase.range(from, end, 4 * unroll, (key) => [
    offset.set(i32.shl(key, i32.const(2))),
    ...straight(k, phase, (body) => {
      turn({ load, offset: offset.get }, body);
    }),
  ]);
}

/**
 * What the products of queries with keys go through before they are weights. Scores are log₂ e times those of the op's
 * record from the queries on, since 2^x takes less than e^x: products come so, and what is added to them is made so.
 */
export class Scores {
  readonly #k: KernelWriter;
  readonly #phase: Phase;
  readonly #rows: QueryRows;
  readonly #softcap: number;
  readonly #bias: Stretched | undefined;
  readonly #mask: Stretched | undefined;
  /** Where the slopes of the heads stand. */
  readonly #slopes: number | undefined;

  constructor(
    k: KernelWriter,
    phase: Phase,
    rows: QueryRows,
    { attrs, operands }: Pick<StepOf<"attend">, "attrs" | "operands">,
  ) {
    const { q, bias, mask } = operands;
    this.#k = k;
    this.#phase = phase;
    this.#rows = rows;
    this.#softcap = Math.LOG2E * attrs.softcap;
    this.#bias = bias && new Stretched(k, phase, bias);
    this.#mask = mask && new Stretched(k, phase, mask);
    if (!attrs.alibi) return;
    const heads = constantDim(q.type.shape[attrs.layout === "heads_first" ? 1 : 2]!)!;
    const slopes = Float32Array.from(alibiSlopes(heads), (slope) => Math.LOG2E * slope);
    this.#slopes = k.constants.address(new Uint8Array(slopes.buffer));
  }

  /** c · tanh(x / c) of a row of products; the tangents stand at `tangents`, too, if it is given. */
  cap(row: ScoreRow, tangents?: I32): Statement[] {
    if (this.#softcap === 0) return [];
    const { constants } = this.#k;
    const [cap, inverse] = [constants.splat(this.#softcap), constants.splat(1 / this.#softcap)];
    const capped = alongRow({ k: this.#k, phase: this.#phase }, row, ({ load, offset }, body) => {
      const scaled = load(row.at).map((x) => f32x4.mul(x, inverse));
      const tanh = asFloats(applyFunction("tanh", [floats(scaled)], body), body);
      tanh.forEach((x, u) => {
        const result = this.#phase.local("v128");
        const at = (start: I32): I32 => i32.add(start, offset);
        body.push(result.set(x), v128.store(at(row.at), f32x4.mul(result.get, cap), 16 * u));
        if (tangents !== undefined) body.push(v128.store(at(tangents), result.get, 16 * u));
      });
    });
    return [capped];
  }

  /** Adds the bias of row `row` to its scores, and makes those that it doesn't see -∞; `largest` takes in all of them. */
  finish({ at, from, to, end }: ScoreRow, row: I32, whose: RowOf, largest: Local<"v128">): Statement[] {
    const phase = this.#phase;
    const { constants } = this.#k;
    const [low, high] = [phase.local("i32"), phase.local("i32")];
    const [bottom, span, keys, score, seen] = phase.locals("v128", 5);
    const lanes = constants.address(new Uint8Array(Int32Array.of(0, 1, 2, 3).buffer));
    const [bias, mask, count] = [this.#bias, this.#mask, this.#rows.keys];
    const alibi = this.#alibi(row, whose);
    const rest = phase.local("i32");
    return [
      low.set(this.#rows.low(row, row)),
      bottom!.set(i32x4.splat(low.get)),
      high.set(lesser(this.#rows.high(row, row), to)),
      span!.set(i32x4.splat(i32.sub(larger(high.get, low.get), low.get))),
      rest.set(from),
      ...(this.#areFinished
        ? this.#largestOfSeen(at, from, { low: low.get, high: high.get, rest }, largest)
        : []),
      keys!.set(i32x4.add(i32x4.splat(rest.get), v128.load(i32.const(0), lanes))),
      ...(bias ? [bias.begin(whose)] : []),
      ...(mask ? [mask.begin(whose)] : []),
      ...alibi.before,
      phase.range(rest.get, end, 4, (key) => [
        score!.set(v128.load(i32.add(at, i32.shl(key, i32.const(2))))),
        ...(bias
          ? [
              bias.take(key, count),
              score!.set(multiplyAdd(this.#k.machine, bias.lanes, constants.splat(Math.LOG2E), score!.get)),
            ]
          : []),
        ...alibi.off(score!, keys!.get),
        seen!.set(i32x4.lt_u(i32x4.sub(keys!.get, bottom!.get), span!.get)),
        ...(mask
          ? [mask.take(key, count), seen!.set(v128.andnot(seen!.get, i32x4.eq(mask.lanes, v128.zero)))]
          : []),
        score!.set(v128.bitselect(score!.get, constants.splat(-Infinity), seen!.get)),
        largest.set(f32x4.pmax(largest.get, score!.get)),
        v128.store(i32.add(at, i32.shl(key, i32.const(2))), score!.get),
        keys!.set(i32x4.add(keys!.get, constants.splatWord(4))),
      ]),
    ];
  }

  /** Whether the score of a key that is seen is the product itself. */
  get #areFinished(): boolean {
    return this.#bias === undefined && this.#mask === undefined && this.#slopes === undefined;
  }

  /** The largest of the first scores of a row, if all of these are of keys that it sees; `rest` is set to the key after them. */
  #largestOfSeen(at: I32, from: I32, { low, high, rest }: Seen, largest: Local<"v128">): Statement[] {
    const { unroll } = this.#k.machine;
    const seen = roundedDown(i32.sub(larger(high, from), from), 4 * unroll);
    return [
      when(i32.le_s(low, from), [rest.set(i32.add(from, seen))]),
      this.#phase.range(from, rest.get, 4 * unroll, (key) => {
        const first = i32.add(at, i32.shl(key, i32.const(2)));
        const scores = Array.from({ length: unroll }, (_, u) => v128.load(first, 16 * u));
        return [largest.set(f32x4.pmax(largest.get, scores.reduce(f32x4.pmax)))];
      }),
    ];
  }

  /** Takes slope · distance off. */
  #alibi(row: I32, { head }: RowOf) {
    const slopes = this.#slopes;
    if (slopes === undefined) return { before: [], off: () => [] };
    const [slope, position] = this.#phase.locals("v128", 2);
    const distance = (keys: V128): V128 => f32x4.convert_i32x4_s(i32x4.abs(i32x4.sub(position!.get, keys)));
    return {
      before: [
        slope!.set(v128.load32_splat(i32.shl(head, i32.const(2)), slopes)),
        position!.set(i32x4.splat(this.#rows.positionOf(row))),
      ],
      off: (score: Local<"v128">, keys: V128) => [
        score.set(f32x4.sub(score.get, f32x4.mul(slope!.get, distance(keys)))),
      ],
    };
  }
}

interface Seen {
  readonly low: I32;
  readonly high: I32;
  readonly rest: Local<"i32">;
}

/** The maximum or sum of four lanes, in all of them. */
export const across = (combine: (x: V128, y: V128) => V128, lanes: Local<"v128">): Statement[] =>
  (
    [
      [2, 3, 0, 1],
      [1, 0, 3, 2],
    ] as const
  ).map((order) => lanes.set(combine(lanes.get, v128.shuffle(lanes.get, lanes.get, order))));

/**
 * Turns scores into 2^(score - largest), and adds them up in `sum`, lane by lane; in `below`, if it is given, their products with
 * score - largest, of which 2^-127 is nothing.
 */
export function powersOfRow(
  where: { readonly k: KernelWriter; readonly phase: Phase },
  row: ScoreRow,
  largest: V128,
  sum: Local<"v128">,
  below?: Local<"v128">,
): Statement {
  return alongRow(where, row, ({ load, offset }, body) => {
    const shifted = load(row.at).map((x) => f32x4.sub(x, largest));
    const powers = where.phase.locals("v128", shifted.length);
    const { held, values } = powerOfTwo(shifted, body);
    values.forEach((x, u) => body.push(powers[u]!.set(x)));
    powers.forEach(({ get }, u) => body.push(v128.store(i32.add(row.at, offset), get, 16 * u)));
    for (const { get } of powers) body.push(sum.set(f32x4.add(sum.get, get)));
    if (below === undefined) return;
    for (const [u, { get }] of powers.entries())
      body.push(below.set(multiplyAdd(where.k.machine, get, held[u]!, below.get)));
  });
}
