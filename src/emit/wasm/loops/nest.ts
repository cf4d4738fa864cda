import type { Loop, Statement } from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import type { Encoder } from "./encoder.ts";
import { lone } from "./values.ts";

/** Elements that threads share in one piece: a line of the cache. */
export const GRAIN = 16;

/** Loops of one order that stand in each other with nothing between them: one loop, whose index is theirs together. */
export interface Nest {
  readonly loops: readonly Loop[];
  readonly body: readonly Statement[];
}

export function nestOf(loop: Loop): Nest {
  const [inner, ...others] = loop.body;
  const isNest =
    inner?.kind === "loop" && others.length === 0 && inner.order === loop.order && beginsAtZero(inner);
  if (!isNest || loop.order === "lanes") return { loops: [loop], body: loop.body };
  const nest = nestOf(inner);
  return { loops: [loop, ...nest.loops], body: nest.body };
}

export const beginsAtZero = ({ from }: Loop): boolean => from.kind === "number" && from.value === 0;

/** How many turns it has; its sizes are parameters of the kernel. */
export const countOf = ({ loops }: Nest, { formulas, pen }: Encoder): I32 =>
  pen.writer.still(loops.map(({ to }) => formulas.whole(to)).reduce(i32.mul));

/** The turns from one on to another, in the order of the loops. */
export function runNest({ loops, body }: Nest, encoder: Encoder, from: I32, to: I32): void {
  const { pen, formulas } = encoder;
  const [inner] = loops.slice(-1) as [Loop];
  if (inner.order === "lanes") {
    encoder.loop(inner, from, to);
    return;
  }
  const define = (flat: I32): void => {
    let rest = flat;
    for (const { index, to: size } of loops.slice(1).toReversed()) {
      const count = formulas.whole(size);
      const own = pen.keep(i32.rem_u(rest, count));
      rest = pen.keep(i32.div_u(rest, count));
      formulas.define(index, () => lone(own));
    }
    const first = rest;
    formulas.define(loops[0]!.index, () => lone(first));
  };
  pen.push(
    pen.writer.range(from, to, 1, (flat) =>
      pen.inside(() => encoder.turn({ ...inner, body }, () => define(flat))),
    ),
  );
}
