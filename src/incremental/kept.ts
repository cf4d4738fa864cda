import type { Node, Value } from "../ir/graph.ts";
import { addDims, dim } from "../tensor/dim.ts";
import type { Forms, Need } from "./forms.ts";
import { backOf, isRing, type Form, type Letter } from "./letters.ts";
import { Refusal } from "./refusal.ts";
import { ringOf } from "./ring.ts";
import { recipe, type Recipe } from "./rules/rule.ts";
import { frontOf } from "./rules/shape.ts";

/**
 * How a form of a value that tokens reach is had from its new rows, of which it keeps some or cuts some: undefined if the
 * rule of its op makes it. `isAsked` tells which other forms of it are needed anyway.
 */
export function keptRecipe(
  need: Need,
  node: Node | undefined,
  forms: Forms,
  isAsked: (form: Form) => boolean,
): Recipe | undefined {
  const { value, form } = need;
  if (!forms.factOf(value).reach.tokens) return undefined;
  const lettered = form.flatMap((letter, axis) => (letter === undefined ? [] : [{ axis, letter }]));
  const [first, ...more] = lettered;
  if (first === undefined) return undefined;
  if (more.length === 0) {
    if (isOfThePast(first.letter))
      return isMadeAgain(need, first.letter, forms) || passes(node, first.axis, forms)
        ? undefined
        : pastRows(value, first, node, forms);
  } else if (lettered.every(({ letter }) => isOfThePast(letter))) throw new Refusal("pairs", node);
  const newest = lettered.find(({ letter }) => letter === "L");
  return newest === undefined ? undefined : newestRows(need, newest.axis, node, forms, isAsked);
}

/** Whether all rows of a value are made of what is kept in its place. */
const isMadeAgain = ({ value }: Need, letter: Letter, { options }: Forms): boolean =>
  letter === "K" && options.recomputed.has(value);

const isOfThePast = (letter: Letter): boolean => letter === "K" || backOf(letter) !== undefined;

/**
 * Ops behind which rows are kept: they move what is kept and cost nothing, or little beside copies for each head of a group.
 * After a slice it stops, as before it rows would be kept that nobody reads.
 */
function passes(node: Node | undefined, axis: number, forms: Forms): boolean {
  if (node?.op === "permute" || node?.op === "broadcast") return true;
  if (node?.op === "reshape")
    return forms.along(node, "x", node.operands.x, letterAt(node, axis)).form.some(Boolean);
  // Rows in front that are no padding are put before the rows kept, each run.
  return node?.op === "concat" && node.attrs.axis === axis && frontOf(node, forms).padding === undefined;
}

const letterAt = ({ results }: Node, at: number): Form =>
  results[0]!.type.shape.map((_, axis) => (axis === at ? "R" : undefined));

/** All rows so far, or the last ones, from the new ones and a state. */
function pastRows(
  value: Value,
  { axis, letter }: { readonly axis: number; readonly letter: Letter },
  node: Node | undefined,
  forms: Forms,
): Recipe {
  const run = forms.runOf(value, axis)!;
  if (run.kind !== "rows") throw new Refusal("merged", node);
  const back = backOf(letter);
  if (back !== undefined) {
    const needs = [forms.allIn(value, "R")];
    if (isRing(letter)) return { needs, make: ([rows], build) => [ringOf(build, value, axis, rows!, back)] };
    const tail = forms.tails.claim(value, axis, 0, back);
    return { needs, make: ([rows], build) => [build.withTail(tail, rows!, back)] };
  }
  const { past } = forms.sizes;
  const front = node?.op === "concat" && node.attrs.axis === axis ? frontOf(node, forms) : undefined;
  // What is padded with one number begins as that number, and only the text is written.
  const source =
    front?.padding === undefined
      ? { value, start: past, initial: 0 }
      : { value: front.text, start: addDims(past, dim(front.rows)), initial: front.padding };
  return {
    needs: [forms.allIn(source.value, "R")],
    make: ([rows], build) => [build.cached(value, axis, run.lead, { ...source, rows: rows! })],
  };
}

/** The newest row is cut from the new ones where these are made anyway, as for a state or by an op that has one. */
function newestRows(
  { value, form }: Need,
  axis: number,
  node: Node | undefined,
  forms: Forms,
  isAsked: (form: Form) => boolean,
): Recipe | undefined {
  const rows = form.with(axis, "R");
  if (!isAsked(rows) && !hasState(node, axis)) return undefined;
  const run = forms.runOf(value, axis)!;
  if (run.kind !== "rows") {
    if (hasState(node, axis)) throw new Refusal("merged", node);
    return undefined;
  }
  return { needs: [{ value, form: rows }], make: ([made], build) => [build.newest(made!, axis, run.lead)] };
}

/** Inputs, and ops that carry a state along an axis: they have all new rows or none. */
const hasState = (node: Node | undefined, axis: number): boolean =>
  node === undefined ||
  ((node.op === "cumsum" || node.op === "concat") && node.attrs.axis === axis) ||
  (node.op === "conv2d" && axis >= 2) ||
  node.op === "linear_attend";

/** A value that is one number, in any form. */
export const knownRecipe = (need: Need, known: number, forms: Forms): Recipe =>
  recipe<"full">({}, (_, build) => [
    build.full({ dtype: need.value.type.dtype, shape: forms.shapeOf(need) }, known),
  ]);
