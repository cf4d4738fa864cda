import { addDims, dim, multiplyDims, type Dim } from "../../../tensor/dim.ts";
import { invariant } from "../../../support/invariant.ts";
import { KernelBuilder } from "../../loops/builder.ts";
import { Place } from "../../loops/place.ts";
import type { Expression, LoopKernel, Name, Tensor } from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { select } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";
import type { Encoder } from "./encoder.ts";
import { countOf, GRAIN, runNest } from "./nest.ts";
import { lone } from "./values.ts";
import type { Clear, Plan, Work } from "./work.ts";

/** Chunks of a reduction at most: more than threads, so that all are busy. How many there are depends on sizes alone. */
const MOST_CHUNKS = 32;
/** What a chunk is worth: turns of lanes, and rows that add to elements of its own. */
const LEAST_LANES = 4096;
const LEAST_ROWS = 8;
const WORD = 4;
const DOUBLE = 8;

type Reduced = Extract<Work, { kind: "reduced" }>;

/** Where a reduction keeps what its chunks have found. */
interface Found {
  readonly totals: (phase: Phase) => I32;
  /** The elements of the chunks, for each tensor that is added to. */
  readonly sums: readonly { readonly clear: Clear; readonly start: (phase: Phase) => I32 }[];
}

/** Works that are reduced in chunks: each chunk leaves what it has found in memory, and whoever needs it adds the chunks up, in order. */
export class Chunks {
  readonly #sizes: ReadonlyMap<Expression, Dim>;
  readonly #found: ReadonlyMap<Reduced, Found>;

  constructor({ parameters }: LoopKernel, plan: Plan, k: KernelWriter) {
    this.#sizes = new Map(
      parameters.flatMap((each) => (each.kind === "size" ? [[each.name, each.size] as const] : [])),
    );
    this.#found = this.#placeFound(plan, k);
  }

  /** Each chunk of turns takes totals of its own, and adds to elements of its own. */
  reduce(work: Reduced, encoder: Encoder): void {
    const { pen } = encoder;
    const { totals, sums } = this.#found.get(work)!;
    const count = countOf(work.nest, encoder);
    const chunks = chunksOf(work, count, pen.writer);
    const isLanes = work.nest.loops[0]!.order === "lanes";
    const [grain, rest] = [isLanes ? GRAIN : 1, i32.const((isLanes ? GRAIN : 1) - 1)];
    const whole = i32.div_u(i32.add(count, i32.sub(chunks, i32.const(1))), chunks);
    const size = pen.writer.still(
      i32.mul(i32.div_u(i32.add(whole, rest), i32.const(grain)), i32.const(grain)),
    );
    const { from, to } = pen.writer.share(chunks);
    pen.push(
      pen.writer.range(from, to, 1, (chunk) =>
        pen.inside(() =>
          encoder.scoped(() => {
            const smaller = (x: I32): I32 => select(i32.lt_s(x, count), x, count);
            const first = pen.keep(i32.mul(chunk, size));
            const last = pen.keep(i32.add(first, size));
            for (const { clear, start } of sums) {
              const elements = encoder.formulas.whole(clear.count);
              const own = i32.mul(chunk, i32.shl(elements, i32.const(2)));
              encoder.move(clear.from.tensor, pen.keep(i32.add(start(pen.writer), own)));
              encoder.clear(clear, i32.const(0), elements);
            }
            const taken = work.totals.map(({ name, fold }) => encoder.totals.outer(name, fold, "double"));
            for (const total of taken) total.begin();
            runNest(work.nest, encoder, pen.keep(smaller(first)), pen.keep(smaller(last)));
            const at = addressOf(totals(pen.writer), chunk, taken.length);
            taken.forEach((total, index) => pen.push(total.store(i32.add(at, i32.const(DOUBLE * index)))));
          }),
        ),
      ),
    );
  }

  /** Totals that are wanted of other works. */
  restore(work: Work, wanted: ReadonlySet<Name | Tensor>, encoder: Encoder): void {
    for (const [reduced, found] of this.#found)
      if (reduced !== work && reduced.totals.some(({ name }) => wanted.has(name)))
        this.#restore(reduced, found, encoder);
  }

  /** Totals of all chunks, in their order. */
  #restore(work: Reduced, { totals }: Found, encoder: Encoder): void {
    const { pen } = encoder;
    const taken = work.totals.map(({ name, fold }) => encoder.totals.outer(name, fold, "double"));
    for (const total of taken) total.begin();
    const chunks = chunksOf(work, countOf(work.nest, encoder), pen.writer);
    pen.push(
      pen.writer.range(i32.const(0), chunks, 1, (chunk) =>
        pen.inside(() => {
          const at = pen.keep(addressOf(totals(pen.writer), chunk, taken.length));
          taken.forEach((total, index) => total.load(i32.add(at, i32.const(DOUBLE * index))));
        }),
      ),
    );
  }

  /** The sums of elements are those of all chunks. */
  addUp(work: Reduced, encoder: Encoder): void {
    const { pen } = encoder;
    const chunks = chunksOf(work, countOf(work.nest, encoder), pen.writer);
    const count: Name = { kind: "name", name: "chunks", type: "whole" };
    encoder.formulas.define(count, () => lone(chunks));
    for (const { clear, start } of this.#found.get(work)!.sums) {
      const parts = new Place({ name: "parts", dtype: "f32" });
      encoder.move(parts.tensor, start(pen.writer));
      const k = new KernelBuilder();
      k.lanes("i", clear.count, (i) => {
        const sum = k.total("sum");
        k.turns("chunk", count, (chunk) => k.take(sum, parts.at(chunk, clear.count).at(i)));
        k.store(new Place(clear.from.tensor, clear.from.terms).at(i), sum);
      });
      const [lanes] = k.body;
      invariant(lanes?.kind === "loop", "a loop of lanes");
      const { from, to } = pen.writer.share(encoder.formulas.whole(clear.count), GRAIN);
      encoder.loop(lanes, from, to);
    }
  }

  /** Places for what chunks find, one after the other. */
  #placeFound({ works }: Plan, k: KernelWriter): ReadonlyMap<Reduced, Found> {
    const reductions = works.filter((each) => each.kind === "reduced");
    let bytes = dim(0);
    const take = (size: Dim): Dim => {
      const at = bytes;
      bytes = addDims(bytes, multiplyDims(dim(MOST_CHUNKS), size));
      return at;
    };
    const places = reductions.map((work) => ({
      work,
      totals: take(dim(DOUBLE * work.totals.length)),
      sums: work.sums.map((clear) => ({
        clear,
        at: take(multiplyDims(dim(WORD), this.#sizeOf(clear.count))),
      })),
    }));
    if (reductions.length === 0) return new Map();
    const shared = k.shared(bytes);
    const startAt = (at: Dim): ((phase: Phase) => I32) => {
      const offset = k.size(at);
      return (phase) => phase.still(i32.add(shared(phase), offset(phase)));
    };
    return new Map(
      places.map(({ work, totals, sums }) => [
        work,
        { totals: startAt(totals), sums: sums.map(({ clear, at }) => ({ clear, start: startAt(at) })) },
      ]),
    );
  }

  #sizeOf(count: Expression): Dim {
    const size = this.#sizes.get(count);
    invariant(size !== undefined, "as many elements are cleared as a size says");
    return size;
  }
}

/** Chunks of a reduction. */
function chunksOf(work: Reduced, count: I32, phase: Phase): I32 {
  const isLanes = work.nest.loops[0]!.order === "lanes";
  const least = isLanes ? LEAST_LANES : work.sums.length > 0 ? LEAST_ROWS : 1;
  const some = i32.or(count, i32.eq(count, i32.const(0)));
  const wanted = phase.still(i32.div_u(i32.add(some, i32.const(least - 1)), i32.const(least)));
  const most = i32.const(MOST_CHUNKS);
  return phase.still(select(i32.lt_u(wanted, most), wanted, most));
}

const addressOf = (start: I32, chunk: I32, totals: number): I32 =>
  i32.add(start, i32.mul(chunk, i32.const(DOUBLE * totals)));
