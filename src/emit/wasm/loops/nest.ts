import {
  allOf,
  expressionsOf,
  within,
  type Expression,
  type Loop,
  type Statement,
} from "../../loops/tree.ts";
import type { I32 } from "../assembler/code.ts";
import { i32 } from "../assembler/numbers.ts";
import { Encoder } from "./encoder.ts";
import type { Pen } from "./pen.ts";
import { takesOf } from "./still.ts";
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

/** Tensors whose rows are walked, at most: twice as many streams from memory as more would make are fetched late. */
const MOST_WALKED = 2;

/**
 * Whether turns go two in step, each with half as many vectors side by side: where lanes take in across a row, and nothing
 * branches but to go over the row again.
 */
function isInStep(nest: Nest, { machine }: Pen): boolean {
  const { loops, body } = nest;
  const own = namesOf(nest);
  const isFixed = (expression: Expression): boolean => !within(expression).some((part) => own.has(part));
  const elements = allOf(body).flatMap(expressionsOf).flatMap(within);
  const walked = new Set(
    elements.flatMap((part) => (part.kind === "load" && !isFixed(part) ? [part.tensor] : [])),
  );
  const isStraight = (each: Statement): boolean =>
    each.kind === "loop"
      ? each.order === "lanes" && isFixed(each.from) && isFixed(each.to)
      : each.kind !== "check" && each.kind !== "clear" && each.kind !== "table";
  return (
    machine.unroll > 1 &&
    walked.size <= MOST_WALKED &&
    loops.at(-1)!.order === "rows" &&
    body.every(isStraight) &&
    body.some((each) => each.kind === "loop" && takesOf([each]).length > 0)
  );
}

/** The names that a turn defines. */
const namesOf = ({ loops, body }: Nest): ReadonlySet<Expression> =>
  new Set<Expression>([
    ...loops.map(({ index }) => index),
    ...body.flatMap((each) => (each.kind === "let" || each.kind === "total" ? [each.name] : [])),
  ]);

/** The turns from one on to another, in the order of the loops. */
export function runNest(nest: Nest, encoder: Encoder, from: I32, to: I32): void {
  const { loops, body } = nest;
  const { pen } = encoder;
  const [inner] = loops.slice(-1) as [Loop];
  if (inner.order === "lanes") {
    encoder.loop(inner, from, to);
    return;
  }
  /** Turns from one on to another, and beside each those that are `apart` from it. */
  const turns = (first: I32, end: I32, rows: readonly Encoder[], apart = i32.const(0)): void => {
    pen.push(
      pen.writer.range(first, end, 1, (flat) =>
        pen.inside(() => {
          const define = rows.map((row, index) => () => {
            defineIndices(nest, row, index === 0 ? flat : pen.keep(i32.add(flat, apart)));
          });
          if (rows.length === 1) encoder.turn({ ...inner, body }, define[0]!);
          else Encoder.inStep(rows, body, namesOf(nest), define);
        }),
      ),
    );
  };
  if (!isInStep(nest, pen)) {
    turns(from, to, [encoder]);
    return;
  }
  // A row has the same bits in step and alone: it depends on threads which of them is alone. Each goes through half of the rows, one after
  // the other, as memory is fetched ahead: of neighbours in step, rows that come from memory took twice as long.
  pen.withUnroll(pen.unroll / 2, () => {
    const half = pen.keep(i32.shr_u(i32.sub(to, from), i32.const(1)));
    const middle = pen.keep(i32.add(from, half));
    turns(from, middle, [encoder, encoder.twin()], half);
    turns(pen.keep(i32.add(middle, half)), to, [encoder]);
  });
}

/** The indices of the turn that is so many turns from the first. */
function defineIndices({ loops }: Nest, { pen, formulas }: Encoder, flat: I32): void {
  let rest = flat;
  for (const { index, to: size } of loops.slice(1).toReversed()) {
    const count = formulas.whole(size);
    const own = pen.keep(i32.rem_u(rest, count));
    rest = pen.keep(i32.div_u(rest, count));
    formulas.define(index, () => lone(own));
  }
  const first = rest;
  formulas.define(loops[0]!.index, () => lone(first));
}
