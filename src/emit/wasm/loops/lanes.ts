import { allOf, expressionsOf, within, type Loop } from "../../loops/tree.ts";
import type { I32, Statement } from "../assembler/code.ts";
import { block, branchIf, loop } from "../assembler/control.ts";
import { i32 } from "../assembler/numbers.ts";
import { arithmetic } from "../functions/arithmetic.ts";
import type { Pen, Turns } from "./pen.ts";

/** Bytes of a lane. */
const WORD = 4;

/**
 * Turns from one on to another: several vectors side by side as far as they go, then single ones, and what is left one by one.
 * `write` gives the code of so many of them. Where both ends are known, so is how often each is run.
 */
export function sideBySide(
  pen: Pen,
  from: I32,
  to: I32,
  write: (turns: Omit<Turns, "index">) => readonly Statement[],
): void {
  const { unroll } = pen;
  const at = pen.writer.local("i32");
  const bytes = (turns: I32): I32 => i32.shl(turns, i32.const(2));
  const [start, end] = [bytes(from), pen.keep(bytes(to))];
  pen.push(at.set(start));
  let known = end.known === undefined ? undefined : start.known;
  for (const { units, isWhole } of formsOf(unroll)) {
    const step = isWhole ? 4 * WORD * units : WORD;
    let bound = end;
    if (known !== undefined) {
      const turns = Math.floor((end.known! - known) / step);
      if (turns === 0) continue;
      known += turns * step;
      bound = i32.const(known);
    } else if (isWhole) bound = pen.keep(i32.add(at.get, i32.and(i32.sub(end, at.get), i32.const(-step))));
    const body = write({ at: at.get, units, isWhole });
    const next = i32.add(at.get, i32.const(step));
    const turns = loop((again) => [...body, branchIf(again, i32.lt_u(at.tee(next), bound))]);
    pen.push(known === undefined ? block((exit) => [branchIf(exit, i32.ge_u(at.get, bound)), turns]) : turns);
  }
}

const formsOf = (unroll: number): readonly Pick<Turns, "units" | "isWhole">[] => [
  ...(unroll > 1 ? [{ units: unroll, isWhole: true }] : []),
  { units: 1, isWhole: true },
  { units: 1, isWhole: false },
];

/** Vectors in a line of the cache. */
const LINE = 4;

/**
 * Vectors of a row that are written side by side, of so many rows in step.
 *
 * A number that takes many instructions has enough of them; lanes that each fold a column take whole lines of the cache, which are gone again
 * when the next columns of them are folded. What sums are folded into needs registers for all rows; of what needs none, more side by side are a
 * tenth faster in step. A row that is alone comes once, and may be short unless its bits would tell.
 */
export function unrollOf({ body }: Loop, { machine, unroll }: Pen, rows: number): number {
  const hasFunctions = allOf(body)
    .flatMap(expressionsOf)
    .flatMap(within)
    .some((part) => part.kind === "apply" && !(part.op in arithmetic));
  if (hasFunctions) return machine.unroll;
  const foldsColumns = body.some(
    (each) => each.kind === "loop" && each.body.some(({ kind }) => kind === "take"),
  );
  if (foldsColumns) return Math.max(unroll, LINE);
  const folds = body.flatMap((each) => (each.kind === "take" ? [each.fold] : []));
  const isWide = folds.length === 0 ? rows > 1 : folds.every((fold) => fold === "peak");
  return isWide ? machine.unroll : unroll;
}
