import {
  allOf,
  expressionsOf,
  within,
  type Expression,
  type Load,
  type Loop,
  type LoopKernel,
  type Name,
  type Statement,
  type Tensor,
} from "../../loops/tree.ts";
import { beginsAtZero, nestOf, type Nest } from "./nest.ts";
import { storesOf, takesOf } from "./still.ts";

export type Clear = Extract<Statement, { kind: "clear" }>;
export type Taken = Extract<Statement, { kind: "total" }>;

/**
 * A part of a kernel that threads do together, or one of them. Between two parts all wait for each other.
 * `shared`: turns that are independent. `reduced`: turns that take totals, or add to the elements that were cleared, in
 * chunks of which each has totals and elements of its own. `columns`: turns that do nothing but add, side by side: each
 * thread does all of them for its part of the lanes. `alone`: what the first thread does.
 */
export type Work =
  | { readonly kind: "shared"; readonly nest: Nest }
  | { readonly kind: "cleared"; readonly clears: readonly Clear[] }
  | {
      readonly kind: "reduced";
      readonly nest: Nest;
      readonly totals: readonly Taken[];
      readonly sums: readonly Clear[];
    }
  | { readonly kind: "columns"; readonly nest: Nest; readonly lanes: Loop }
  | { readonly kind: "alone"; readonly statements: readonly Statement[] };

/** The parts of a kernel in order, and what every thread computes for itself. */
export interface Plan {
  readonly works: readonly Work[];
  /** Numbers with a name, and what fills the kernel's own tables. */
  readonly own: readonly Statement[];
}

export function planOf({ body }: LoopKernel): Plan {
  // A row alone that may be gone over again: where it has got to is known to the thread that does it.
  if (body.some((each) => each.kind === "when" && allOf([each]).some(({ kind }) => kind === "restart")))
    return { works: [{ kind: "alone", statements: body }], own: [] };
  const tables = new Set(body.flatMap((each) => (each.kind === "table" ? [each.tensor] : [])));
  const totals = body.filter((each) => each.kind === "total");
  const clears = body.filter((each) => each.kind === "clear");
  const own: Statement[] = [];
  const works: Work[] = [];
  const isOwn = (each: Statement): boolean =>
    each.kind === "let" ||
    (each.kind === "loop" &&
      storesOf([each]).length > 0 &&
      storesOf([each]).every(({ tensor }) => tables.has(tensor)));
  for (const each of body) {
    if (each.kind === "total" || each.kind === "table" || each.kind === "note") continue;
    if (isOwn(each)) own.push(each);
    else works.push(workOf(each, totals, clears));
  }
  return { works: together(works), own };
}

function workOf(statement: Statement, totals: readonly Taken[], clears: readonly Clear[]): Work {
  const own = takesOf([statement]);
  const begun = totals.filter(({ name }) => own.includes(name));
  const alone: Work = { kind: "alone", statements: [...begun, statement] };
  if (statement.kind === "clear") return { kind: "cleared", clears: [statement] };
  if (statement.kind !== "loop" || !beginsAtZero(statement) || statement.order === "turns") return alone;
  const nest = nestOf(statement);
  const taken = takesOf(nest.body);
  if (statement.order !== "folds")
    return taken.length === 0
      ? { kind: "shared", nest }
      : { kind: "reduced", nest, totals: totals.filter(({ name }) => taken.includes(name)), sums: [] };
  const added = storesOf(nest.body).filter((to) => !readsIndexOf(to, nest));
  const sums = clears.filter(({ from }) => added.some(({ tensor }) => tensor === from.tensor));
  const made = new Set<Expression>([
    ...nest.loops.map(({ index }) => index),
    ...allOf(nest.body).flatMap((each) => (each.kind === "let" ? [each.name] : [])),
  ]);
  const isFixed = (to: Load): boolean => !within(to).some((part) => made.has(part));
  if (added.every(isFixed) && new Set(added.map(({ tensor }) => tensor)).size === sums.length)
    return { kind: "reduced", nest, totals: totals.filter(({ name }) => taken.includes(name)), sums };
  const lanes = nest.body.filter((each) => each.kind === "loop");
  const [only] = lanes;
  const isAll = only !== undefined && storesOf([only]).length === storesOf(nest.body).length;
  return taken.length === 0 && lanes.length === 1 && only?.order === "lanes" && isAll
    ? { kind: "columns", nest, lanes: only }
    : alone;
}

/** Neighbours that need not wait for each other: elements that are cleared, and what one thread does. */
function together(works: readonly Work[]): readonly Work[] {
  const kept: Work[] = [];
  const reduced = new Set(works.flatMap((each) => (each.kind === "reduced" ? each.sums : [])));
  for (const work of works) {
    const last = kept.at(-1);
    if (work.kind === "cleared" && work.clears.every((each) => reduced.has(each))) continue;
    if (work.kind === "cleared" && last?.kind === "cleared")
      kept[kept.length - 1] = { ...last, clears: [...last.clears, ...work.clears] };
    else if (work.kind === "alone" && last?.kind === "alone")
      kept[kept.length - 1] = { ...last, statements: [...new Set([...last.statements, ...work.statements])] };
    else kept.push(work);
  }
  return kept;
}

/** Whether turns write elements of their own. */
const readsIndexOf = (to: Load, { loops }: Nest): boolean =>
  to.terms.some(({ index }) => loops.some((loop) => loop.index === index));

/** The statements of a work. */
export function statementsOf(work: Work): readonly Statement[] {
  switch (work.kind) {
    case "shared":
    case "reduced":
    case "columns":
      return work.nest.loops.slice(0, 1);
    case "cleared":
      return work.clears;
    case "alone":
      return work.statements;
  }
}

/** The names and tensors that statements and those in them read. */
export function readsOf(body: readonly Statement[]): ReadonlySet<Name | Tensor> {
  const read = new Set<Name | Tensor>();
  for (const part of allOf(body).flatMap(expressionsOf).flatMap(within)) {
    if (part.kind === "name") read.add(part);
    if (part.kind === "load") read.add(part.tensor);
  }
  return read;
}

/** Names whose values are float64: what is made of them is stored so. */
export function doublesOf({ body }: LoopKernel): ReadonlySet<Name> {
  const all = allOf(body);
  const wanted = new Set<Name>();
  const want = (expression: Expression): void => {
    for (const part of within(expression)) if (part.kind === "name") wanted.add(part);
  };
  for (const each of all) if (each.kind === "store" && each.to.tensor.dtype === "f64") want(each.value);
  const lets = all.flatMap((each) => (each.kind === "let" ? [each] : []));
  for (const each of lets.toReversed()) if (wanted.has(each.name)) want(each.value);
  return new Set(lets.flatMap(({ name }) => (wanted.has(name) && name.type === "float" ? [name] : [])));
}
