import type { I32, Statement, V128 } from "../assembler/code.ts";
import { when } from "../assembler/control.ts";
import type { FunctionWriter, Local } from "../assembler/function.ts";
import { i32 } from "../assembler/numbers.ts";
import { v128 } from "../assembler/simd.ts";

/** An axis that a panel is long: how many places it has, and how far apart they are, in bytes. */
export interface PatchAxis {
  readonly size: I32;
  readonly step: I32;
}

/**
 * Makes panels of what lies in four places at once: patches of a picture. Where four columns begin side by side, they are
 * read as one vector.
 */
export class PatchPacker {
  readonly #writer: FunctionWriter;
  readonly #width: number;
  readonly #starts: readonly Local<"i32">[];
  readonly #panel: Local<"i32">;

  constructor(writer: FunctionWriter, width: number) {
    this.#writer = writer;
    this.#width = width;
    this.#starts = writer.locals("i32", 4);
    this.#panel = writer.local("i32");
  }

  /** `startOf`: where a column, 0 to that of the tile's width, begins. */
  pack(startOf: (column: I32) => I32, axes: readonly PatchAxis[], to: I32): Statement {
    const starts = this.#starts.map(({ get }) => get);
    const gathered = (offset: I32): V128 =>
      starts
        .slice(1)
        .reduce(
          (lanes, start, i) => v128.load32_lane(i32.add(start, offset), lanes, i + 1),
          v128.load32_zero(i32.add(starts[0]!, offset)),
        );
    const apart = starts
      .slice(1)
      .map((start, i) => i32.sub(i32.sub(start, starts[0]!), i32.const(4 * (i + 1))));
    return this.#writer.range(i32.const(0), i32.const(this.#width), 4, (column) => [
      ...this.#starts.map((start, i) => start.set(startOf(i32.add(column, i32.const(i))))),
      this.#panel.set(i32.add(to, i32.shl(column, i32.const(2)))),
      when(
        apart.reduce(i32.or),
        this.#walk(axes, i32.const(0), (offset) => v128.store(this.#panel.get, gathered(offset))),
        this.#walk(axes, i32.const(0), (offset) =>
          v128.store(this.#panel.get, v128.load(i32.add(starts[0]!, offset))),
        ),
      ),
    ]);
  }

  #walk([axis, ...inner]: readonly PatchAxis[], offset: I32, body: (offset: I32) => Statement): Statement[] {
    if (axis === undefined)
      return [body(offset), this.#panel.set(i32.add(this.#panel.get, i32.const(4 * this.#width)))];
    const at = this.#writer.local("i32");
    return [
      at.set(offset),
      this.#writer.range(i32.const(0), axis.size, 1, () => [
        ...this.#walk(inner, at.get, body),
        at.set(i32.add(at.get, axis.step)),
      ]),
    ];
  }
}
