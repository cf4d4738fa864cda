import { drop, type I32, type Statement } from "../assembler/code.ts";
import { block, branchIf, lesser, loop, select, when } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";

/** Bytes of a line of the caches. */
const LINE = 64;
/**
 * Lines that are touched together, each of a stream of its own: a miss holds up all behind it, those of one time do so together, and the
 * core's own prefetcher, which reads a few lines ahead in a stream, is four times as far ahead in time. Of 1, 2, 3, 4, 6 and 8 the best.
 */
const STREAMS = 4;
/** Bytes of panels that are touched together at most, for streams as long as they can be: the prefetcher begins anew in each page. */
const MOST_BYTES = 144 * 1024;
/** Fewer rows than these wait for memory whatever is touched. */
const LEAST_ROWS = 8;

/** Panels side by side, in units of columns. */
export interface Panels {
  readonly address: I32;
  /** Bytes of a panel: a multiple of 24. */
  readonly bytes: I32;
  readonly count: I32;
  /** Units of a panel. */
  readonly parts: number;
}

/** What of a unit says which panels come next. */
interface Piece {
  readonly panel: I32;
  readonly rows: { readonly from: I32; readonly to: I32 };
  readonly following?: I32;
}

/**
 * The panels that come next, touched while tiles of those at hand are computed, so evenly that lines come by the core's own prefetcher.
 * Some panels are one group: while its units are computed each touches its share of the next group.
 */
export class Ahead {
  /** The next lines, and of how many more in each stream. */
  readonly #at: Local<"i32">;
  readonly #left: Local<"i32">;
  /** Bytes of x from one touch to the next. */
  readonly #pace: Local<"i32">;
  readonly #until: Local<"i32">;
  /** Bytes from one stream to the next. */
  #apart: I32 = i32.const(0);

  constructor(writer: FunctionWriter) {
    const [at, left, pace, until] = writer.locals("i32", 4);
    this.#at = at!;
    this.#left = left!;
    this.#pace = pace!;
    this.#until = until!;
  }

  /** Before the tiles of a unit, which take so many steps in all. */
  begin({ address, bytes, count, parts }: Panels, unit: Piece, steps: I32): Statement[] {
    const group = groupOf(bytes, count);
    const [at, within] = [this.#at, this.#until];
    const share = i32.div_u(bytes, i32.const(STREAMS * parts));
    const lines = i32.div_u(i32.add(share, i32.const(LINE - 1)), i32.const(LINE));
    const next = i32.add(i32.div_u(i32.sub(unit.panel, within.get), i32.const(parts)), i32.const(group));
    const isWanted = i32.and(
      i32.ge_s(i32.sub(unit.rows.to, unit.rows.from), i32.const(LEAST_ROWS)),
      i32.gt_s(i32.add(unit.following ?? i32.const(0), within.get), i32.const(group * parts)),
    );
    this.#apart = i32.div_u(i32.mul(bytes, i32.const(group)), i32.const(STREAMS));
    return [
      within.set(i32.rem_u(unit.panel, i32.const(group * parts))),
      at.set(next),
      // Of the last panels as many as are a group.
      at.set(i32.mul(lesser(at.get, i32.sub(count, i32.const(group))), bytes)),
      at.set(i32.add(address, i32.add(at.get, i32.mul(within.get, share)))),
      this.#left.set(select(isWanted, lines, i32.const(0))),
      this.#pace.set(i32.shl(i32.div_u(steps, lines), i32.const(2))),
    ];
  }

  /** The steps of a tile, one for each float from `x` to `end`; a line of each stream is touched before each so many of them. */
  walk(x: Local<"i32">, end: I32, step: readonly Statement[]): Statement {
    return block((exit) => [
      branchIf(exit, i32.ge_u(x.get, end)),
      loop((again) => [
        when(this.#left.get, [
          ...Array.from({ length: STREAMS }, (_, stream) => this.#touch(stream)),
          this.#at.set(i32.add(this.#at.get, i32.const(LINE))),
          this.#left.set(i32.sub(this.#left.get, i32.const(1))),
        ]),
        this.#until.set(i32.add(x.get, lesser(this.#pace.get, i32.sub(end, x.get)))),
        loop((next) => [
          ...step,
          branchIf(next, i32.lt_u(x.tee(i32.add(x.get, i32.const(4))), this.#until.get)),
        ]),
        branchIf(again, i32.lt_u(x.get, end)),
      ]),
    ]);
  }

  #touch(stream: number): Statement {
    const at = this.#at.get;
    const far = i32.mul(this.#apart, i32.const(stream));
    return drop(far.known === undefined ? i32.load8_u(i32.add(at, far)) : i32.load8_u(at, far.known));
  }
}

/** How many panels are touched together. */
const groupOf = ({ known: bytes }: I32, { known: count }: I32): number =>
  bytes === undefined || count === undefined
    ? 1
    : Math.max(1, Math.min(STREAMS, count, Math.floor(MOST_BYTES / bytes)));
