import type { Node, Value } from "../../../ir/graph.ts";
import {
  addDims,
  constantDim,
  dim,
  multiplyDims,
  sameDim,
  subtractDims,
  type Dim,
} from "../../../tensor/dim.ts";
import { affineOf, axisMap, combined, isNeverAboveZero, type Affine } from "../affine.ts";
import type { Around } from "../rewrite.ts";

/** What a mask says: conditions on places, each an affine form that is at most 0, and masks of other kinds. */
interface Conditions {
  readonly forms: readonly Affine[];
  readonly rest: readonly Value[];
}

/** A mask of scores [.., T, S] in the words of `attend`. */
export interface Seen {
  readonly causal: boolean;
  readonly window: number | undefined;
  /** What else hides keys; all of it has to hold. */
  readonly rest: readonly Value[];
}

const none: Conditions = { forms: [], rest: [] };

const both = (a: Conditions, b: Conditions): Conditions => ({
  forms: [...a.forms, ...b.forms],
  rest: [...a.rest, ...b.rest],
});

/** A mask as `attend` says it; undefined for conditions on places that it has no words for. */
export function seenBy(
  mask: Value,
  negated: boolean,
  rows: Dim,
  columns: Dim,
  around: Around,
): Seen | undefined {
  const conditions = conditionsOf(mask, negated, around);
  let causal = false;
  let window: number | undefined;
  for (const form of conditions.forms) {
    if (isNeverAboveZero(form)) continue;
    const said = distanceOf(form, rows, columns);
    if (said?.side === "later" && said.by === 0) causal = true;
    else if (said?.side === "earlier" && said.by > 0 && window === undefined) window = said.by;
    else return undefined;
  }
  // A window alone lets a query see as far ahead as back, which conditions on one side do not say.
  return window !== undefined && !causal ? undefined : { causal, window, rest: conditions.rest };
}

/** key - query + c ≤ 0 hides later keys, query - key + c ≤ 0 those that lie -c + 1 or more before; query i stands at key i + S - T. */
function distanceOf(
  { by, constant }: Affine,
  rows: Dim,
  columns: Dim,
): { readonly side: "later" | "earlier"; readonly by: number } | undefined {
  const factors = by.map(constantDim);
  const [query, key] = factors.slice(-2);
  const others = factors.slice(0, -2);
  if (others.some((each) => each !== 0) || query === undefined || key === undefined || query + key !== 0)
    return undefined;
  const shift = subtractDims(columns, rows);
  if (key === 1) {
    const over = constantDim(addDims(constant, shift));
    return over === undefined ? undefined : { side: "later", by: -over };
  }
  const over = key === -1 ? constantDim(subtractDims(constant, shift)) : undefined;
  return over === undefined ? undefined : { side: "earlier", by: 1 - over };
}

function conditionsOf(mask: Value, negated: boolean, around: Around): Conditions {
  const node = around.producer(mask);
  const whole: Conditions = {
    forms: [],
    rest: negated ? [around.make.emit("not", { x: mask }, {})] : [mask],
  };
  if (node === undefined) return whole;
  const number = around.number(mask);
  if (number !== undefined) return (number !== 0) !== negated ? none : whole;
  if (node.op === "not") return conditionsOf(node.operands.x, !negated, around);
  // Neither of two is not what `not` makes of both.
  if (node.op === (negated ? "or" : "and"))
    return both(
      conditionsOf(node.operands.x, negated, around),
      conditionsOf(node.operands.y, negated, around),
    );
  const compared = comparison(node, negated, around);
  if (compared !== undefined) return { forms: [compared], rest: [] };
  if (node.op === "constant") return triangle(mask, node.attrs.values, negated) ?? whole;
  if (node.op === "cast" && node.operands.x.type.dtype !== "bool") return whole;
  return node.op === "reshape" || node.op === "broadcast" || node.op === "slice" || node.op === "cast"
    ? (movedConditions(node, negated, around) ?? whole)
    : whole;
}

/** a ≤ b as a - b ≤ 0; whole numbers, so that a < b is a - b + 1 ≤ 0. */
function comparison(node: Node, negated: boolean, around: Around): Affine | undefined {
  if (node.op !== "le" && node.op !== "lt" && node.op !== "ge" && node.op !== "gt") return undefined;
  const rank = node.results[0]!.type.shape.length;
  const [x, y] = [node.operands.x, node.operands.y].map((value) => affineOf(value, around.producer));
  if (x === undefined || y === undefined) return undefined;
  const opposite = { le: "gt", lt: "ge", ge: "lt", gt: "le" } as const;
  const op = negated ? opposite[node.op] : node.op;
  const form = op === "le" || op === "lt" ? combined(x, y, -1, rank) : combined(y, x, -1, rank);
  const isStrict = op === "lt" || op === "gt";
  return isStrict ? { ...form, constant: addDims(form.constant, dim(1)) } : form;
}

/** A square of the file itself that is true up to its diagonal. */
function triangle({ type }: Value, values: readonly number[], negated: boolean): Conditions | undefined {
  const [rows, columns] = type.shape.slice(-2).map(constantDim);
  if (rows === undefined || rows !== columns || values.length !== rows * rows) return undefined;
  const holds = values.every(
    (value, at) => (value !== 0) === (at % rows <= Math.floor(at / rows) !== negated),
  );
  if (!holds) return undefined;
  const by = type.shape.map((_, axis) =>
    dim(axis === type.shape.length - 1 ? 1 : axis === type.shape.length - 2 ? -1 : 0),
  );
  return { forms: [{ by, constant: dim(0) }], rest: [] };
}

/** Conditions of a value seen otherwise; what is no condition on places stays as the whole says it. */
function movedConditions(
  node: Extract<Node, { op: "reshape" | "broadcast" | "slice" | "cast" }>,
  negated: boolean,
  around: Around,
): Conditions | undefined {
  const { x } = node.operands;
  const inner = conditionsOf(x, negated, around);
  if (node.op === "cast") return inner;
  // A part of a mask that is not only of places would have to be taken of each of its masks.
  if (inner.rest.length > 0 && node.op !== "broadcast") return undefined;
  const { shape } = node.results[0]!.type;
  if (node.op === "slice") {
    const { axis, start } = node.attrs;
    const moved = inner.forms.map((form) => ({
      ...form,
      constant: addDims(form.constant, multiplyDims(form.by[axis]!, start)),
    }));
    return { forms: moved, rest: [] };
  }
  const axes = axisMap(node, x.type.shape, shape);
  if (axes === undefined) return undefined;
  const forms = inner.forms.map(({ by, constant }) => ({
    by: axes.map((axis) => (axis === undefined ? dim(0) : by[axis]!)),
    constant,
  }));
  return { forms, rest: inner.rest };
}

/** Whether a causal mask leaves each query a key: itself, where keys are not fewer. */
export const seesItself = (rows: Dim, columns: Dim): boolean => sameDim(rows, columns);
