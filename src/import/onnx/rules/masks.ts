import type { Node, Value } from "../../../ir/graph.ts";
import { addDims, constantDim, dim, sameDim, subtractDims, type Dim } from "../../../tensor/dim.ts";
import {
  affineOf,
  combined,
  isMove,
  isNeverAboveZero,
  movedForm,
  type Affine,
  type Move,
} from "../affine.ts";
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

/** A mask as `attend` says it; conditions on places that it has no words for stay a mask. */
export function seenBy(mask: Value, negated: boolean, rows: Dim, columns: Dim, around: Around): Seen {
  const whole = (): Seen => ({ causal: false, window: undefined, rest: [itself(mask, negated, around)] });
  const conditions = conditionsOf(mask, negated, around);
  let causal = false;
  let window: number | undefined;
  for (const form of conditions.forms) {
    if (isNeverAboveZero(form)) continue;
    const said = distanceOf(form, rows, columns);
    if (said?.side === "later" && said.by === 0) causal = true;
    else if (said?.side === "earlier" && said.by > 0 && window === undefined) window = said.by;
    else return whole();
  }
  // A window alone lets a query see as far ahead as back, which conditions on one side do not say.
  return window !== undefined && !causal ? whole() : { causal, window, rest: conditions.rest };
}

const itself = (mask: Value, negated: boolean, around: Around): Value =>
  negated ? around.make.emit("not", { x: mask }, {}) : mask;

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
  const whole: Conditions = { forms: [], rest: [itself(mask, negated, around)] };
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
  if (node.op === "constant") return band(mask, node.attrs.values, negated) ?? whole;
  if (node.op === "cast" && node.operands.x.type.dtype === "bool")
    return conditionsOf(node.operands.x, negated, around);
  return isMove(node) ? (movedConditions(node, negated, around) ?? whole) : whole;
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

/**
 * A list of the file itself, [.., T, S], that is true of a band: key - query ≤ a and query - key ≤ b, of which each is left out
 * where it hides nothing.
 */
function band({ type }: Value, values: readonly number[], negated: boolean): Conditions | undefined {
  const [rows, columns] = type.shape.slice(-2).map(constantDim);
  if (rows === undefined || columns === undefined || values.length !== rows * columns) return undefined;
  if (values.every((value) => (value !== 0) === negated)) return undefined;
  const isSeen = (row: number, key: number): boolean => (values[row * columns + key] !== 0) !== negated;
  let [later, earlier] = [-Infinity, -Infinity];
  for (let row = 0; row < rows; row++)
    for (let key = 0; key < columns; key++)
      if (isSeen(row, key)) {
        later = Math.max(later, key - row);
        earlier = Math.max(earlier, row - key);
      }
  for (let row = 0; row < rows; row++)
    for (let key = 0; key < columns; key++)
      if (isSeen(row, key) !== (key - row <= later && row - key <= earlier)) return undefined;
  // An axis of one stretches over all rows, or keys, and counts none.
  const by = type.shape.map((size, axis) => {
    const factor = axis === type.shape.length - 1 ? 1 : axis === type.shape.length - 2 ? -1 : 0;
    return constantDim(size) === 1 ? 0 : factor;
  });
  const form = (sign: 1 | -1, most: number): Affine => ({
    by: by.map((each) => dim(sign * each)),
    constant: dim(-most),
  });
  return {
    forms: [
      ...(later < columns - 1 ? [form(1, later)] : []),
      ...(earlier < rows - 1 ? [form(-1, earlier)] : []),
    ],
    rest: [],
  };
}

/** Conditions of a value that is moved; what is no condition on places stays as the whole says it. */
function movedConditions(node: Move, negated: boolean, around: Around): Conditions | undefined {
  const inner = conditionsOf(node.operands.x, negated, around);
  // A part of a mask that is not only of places would have to be taken of each of its masks.
  if (inner.rest.length > 0 && node.op !== "broadcast") return undefined;
  const forms = inner.forms.map((form) => movedForm(node, form));
  return forms.every((form) => form !== undefined) ? { forms, rest: inner.rest } : undefined;
}

/** Whether a causal mask leaves each query a key: itself, where keys are not fewer. */
export const seesItself = (rows: Dim, columns: Dim): boolean => sameDim(rows, columns);
