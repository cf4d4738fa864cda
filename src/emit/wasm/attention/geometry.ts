import { attentionAxes } from "../../../kernels/attention.ts";
import type { View } from "../../../kernels/view.ts";
import type { AttributesOf } from "../../../ops/table.ts";
import {
  addDims,
  constantDim,
  dim,
  floorDivideDim,
  multiplyDims,
  sameDim,
  type Dim,
} from "../../../tensor/dim.ts";
import type { I32 } from "../assembler/code.ts";
import { lesser, select } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import type { KernelWriter, Phase } from "../kernel.ts";

export type Attributes = AttributesOf<"attend">;

/** Query rows that are worked on together, so that a block of keys is used by all of them while it is near. */
export const ROWS = 32;

/** Keys of a block: with values of the same width 64 they are 128 KiB, a quarter of a second cache. */
export const KEYS = 256;

/**
 * Bytes from a row of a block's scores to the next: functions go over 16 at a time, so a row may end 15 after its block,
 * and rows that lie a power of two apart would share few sets of the first cache.
 */
export const PITCH = 4 * (KEYS + 16);

export const larger = (x: I32, y: I32): I32 => select(i32.gt_s(x, y), x, y);

/** Up to a multiple of a power of two. */
export const roundedUp = (x: I32, to: number): I32 => i32.and(i32.add(x, i32.const(to - 1)), i32.const(-to));
export const roundedDown = (x: I32, to: number): I32 => i32.and(x, i32.const(-to));
export const roundedUpDim = (size: Dim, to: number): Dim =>
  multiplyDims(floorDivideDim(addDims(size, dim(to - 1)), to), dim(to));

/** A tensor [B, H, T, K] as a phase sees it: its first element, the bytes of a step along each axis, the width. */
export interface Rows {
  readonly at: I32;
  readonly batch: I32;
  readonly head: I32;
  readonly row: I32;
  readonly width: I32;
}

export function rowsOf(k: KernelWriter, view: View, layout: Attributes["layout"]): (phase: Phase) => Rows {
  const axes = attentionAxes(view, layout);
  const bytes = ({ stride }: { readonly stride: Dim }) => k.size(multiplyDims(stride, dim(4)));
  const [at, width] = [k.address(view), k.size(axes.width)];
  const [batch, head, row] = [bytes(axes.batch), bytes(axes.head), bytes(axes.row)];
  return (phase) => ({
    at: at(phase),
    batch: batch(phase),
    head: head(phase),
    row: row(phase),
    width: width(phase),
  });
}

/** The sizes of an attention, and how many query heads share a key head. */
export interface Sizes {
  readonly batch: Dim;
  readonly keyHeads: Dim;
  readonly group: Dim;
  readonly queries: Dim;
  readonly keys: Dim;
  readonly width: Dim;
  readonly valueWidth: Dim;
}

export function sizesOf(views: Readonly<Record<"q" | "k" | "v", View>>, layout: Attributes["layout"]): Sizes {
  const [q, k, v] = [views.q, views.k, views.v].map((view) => attentionAxes(view, layout));
  const [heads, keyHeads] = [q!.head.size, k!.head.size];
  return {
    batch: q!.batch.size,
    keyHeads,
    // Where the numbers of heads are not known they are equal.
    group: sameDim(heads, keyHeads) ? dim(1) : dim(constantDim(heads)! / constantDim(keyHeads)!),
    queries: q!.row.size,
    keys: k!.row.size,
    width: q!.width,
    valueWidth: v!.width,
  };
}

/**
 * The query rows of a key head, which are counted through: row r is query r mod T of head r / T of the group, and stands
 * at key r mod T + S - T. What it sees of the keys, masks aside, is one range.
 */
export class QueryRows {
  readonly count: I32;
  readonly keys: I32;
  readonly #isGroup: boolean;
  readonly #queries: I32;
  readonly #behind: I32;
  readonly #attrs: Attributes;

  constructor(k: KernelWriter, phase: Phase, { group, queries, keys }: Sizes, attrs: Attributes) {
    this.#isGroup = constantDim(group) !== 1;
    this.#queries = k.size(queries)(phase);
    this.keys = k.size(keys)(phase);
    this.count = k.size(multiplyDims(group, queries))(phase);
    this.#behind = phase.still(i32.sub(this.keys, this.#queries));
    this.#attrs = attrs;
  }

  /** The head of a row in its group. */
  headOf(row: I32): I32 {
    return this.#isGroup ? i32.div_u(row, this.#queries) : i32.const(0);
  }

  queryOf(row: I32): I32 {
    return this.#isGroup ? i32.rem_u(row, this.#queries) : row;
  }

  /** The key at which a row stands. */
  positionOf(row: I32): I32 {
    return i32.add(this.queryOf(row), this.#behind);
  }

  /** The first key that some row from `first` to `last` sees. */
  low(first: I32, last: I32): I32 {
    const { window } = this.#attrs;
    if (window === undefined) return i32.const(0);
    const position = this.#ofOneHead(first, last, this.positionOf(first), this.#behind);
    const low = i32.sub(position, i32.const(windowOf(window) - 1));
    return lesser(larger(low, i32.const(0)), this.keys);
  }

  /** One past the last key that some row from `first` to `last` sees. */
  high(first: I32, last: I32): I32 {
    const { causal, window } = this.#attrs;
    if (!causal && window === undefined) return this.keys;
    const end = i32.sub(this.keys, i32.const(1));
    const position = this.#ofOneHead(first, last, this.positionOf(last), end);
    const high = i32.add(position, i32.const(causal ? 1 : windowOf(window!)));
    return lesser(larger(high, i32.const(0)), this.keys);
  }

  /** Rows of several heads see what all queries see. */
  #ofOneHead(first: I32, last: I32, position: I32, otherwise: I32): I32 {
    if (!this.#isGroup || first === last) return position;
    return select(i32.eq(this.headOf(first), this.headOf(last)), position, otherwise);
  }
}

/** Wider windows than there can be keys hide nothing. */
const windowOf = (window: number): number => Math.min(window, 2 ** 30);

/** Memory of each thread's own in named pieces of so many words, one after the other. */
export function ownPieces<Name extends string>(
  k: KernelWriter,
  words: Readonly<Record<Name, Dim>>,
): (phase: Phase) => Readonly<Record<Name, I32>> {
  const offsets: [Name, (phase: Phase) => I32][] = [];
  let end = dim(0);
  for (const [name, size] of Object.entries(words) as [Name, Dim][]) {
    offsets.push([name, k.size(end)]);
    end = addDims(end, multiplyDims(size, dim(4)));
  }
  const own = k.own(end);
  return (phase) => {
    const first = own(phase);
    const places = offsets.map(([name, offset]) => [name, phase.still(i32.add(first, offset(phase)))]);
    return Object.fromEntries(places) as Record<Name, I32>;
  };
}
