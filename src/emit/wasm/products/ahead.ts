import type { I32, Statement } from "../assembler/code.ts";
import { block, branchIf, lesser, loop } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";

/** Bytes of a line of the caches. */
const LINE = 64;

/** What comes next: so many bytes for each step of a tile. */
interface Next {
  readonly from: I32;
  readonly steps: I32;
  readonly stepBytes: number;
}

/**
 * Columns that come next, touched a line at a time while tiles of those at hand are computed, so evenly that the core's own prefetcher runs
 * before and no touch waits for memory; touched all at once they cost what they save. The first tile of a panel would else
 * wait for all of the panel.
 */
export class Ahead {
  readonly #at: Local<"i32">;
  readonly #last: Local<"i32">;
  readonly #pace: Local<"i32">;
  readonly #until: Local<"i32">;
  readonly #touched: Local<"i32">;

  constructor(writer: FunctionWriter) {
    const [at, last, pace, until, touched] = writer.locals("i32", 5);
    this.#at = at!;
    this.#last = last!;
    this.#pace = pace!;
    this.#until = until!;
    this.#touched = touched!;
  }

  /** Before so many tiles. */
  begin({ from, steps, stepBytes }: Next, tiles: I32): Statement[] {
    const stepsOfLine = i32.div_u(i32.mul(tiles, i32.const(LINE)), i32.const(stepBytes));
    return [
      this.#at.set(from),
      this.#last.set(i32.add(from, i32.sub(i32.mul(steps, i32.const(stepBytes)), i32.const(4)))),
      this.#pace.set(i32.shl(i32.add(stepsOfLine, i32.const(1)), i32.const(2))),
    ];
  }

  /** The steps of a tile, one for each float from `x` to `end`; a line is touched before each so many of them. */
  walk(x: Local<"i32">, end: I32, step: readonly Statement[]): Statement {
    return block((exit) => [
      branchIf(exit, i32.ge_u(x.get, end)),
      loop((again) => [
        this.#touched.set(i32.load(this.#at.get)),
        this.#at.set(lesser(i32.add(this.#at.get, i32.const(LINE)), this.#last.get)),
        this.#until.set(lesser(i32.add(x.get, this.#pace.get), end)),
        loop((next) => [
          ...step,
          branchIf(next, i32.lt_u(x.tee(i32.add(x.get, i32.const(4))), this.#until.get)),
        ]),
        branchIf(again, i32.lt_u(x.get, end)),
      ]),
    ]);
  }
}
