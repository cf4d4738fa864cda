import { elementsOf } from "../../../checkpoint/stored.ts";
import type { Node, NodeOf, Value } from "../../../ir/graph.ts";
import { constantDim, divideDims, multiplyDims, sameDim, type Dim } from "../../../tensor/dim.ts";
import { broadcastShapes, sameShape } from "../../../tensor/type.ts";
import { scaleOf, shortest } from "../numbers.ts";
import type { Around, Recognize } from "../rewrite.ts";
import { addends, factorsOf, scaledOf } from "./factors.ts";
import { seenBy, seesItself } from "./masks.ts";

/** What attention is made of, gathered from the softmax back to the product of queries and keys. */
interface Scores {
  readonly product: NodeOf<"matmul">;
  readonly scale: number;
  readonly softcap: number;
  readonly bias: Value | undefined;
  readonly causal: boolean;
  readonly window: number | undefined;
  readonly mask: readonly Value[];
  /**
   * Whether what a mask hides has a finite score, which is as good as -∞ only beside a higher one: whatever else could hide all
   * keys of a row is no part of the same attention then.
   */
  readonly isFinite: boolean;
}

/** A score so low that beside any other of float32 it counts nothing. */
const isHidden = (number: number | undefined): boolean => number !== undefined && number <= -1e30;

/** softmax(scores) v => attend(q, k, v). */
const attend: Recognize = (node, around) => {
  if (node.op !== "matmul" || node.attrs.transpose_b || node.operands.b.type.shape.length !== 4)
    return undefined;
  const weights = softmaxOf(node.operands.a, around);
  if (weights === undefined) return undefined;
  const scores = scoresOf(weights.operands.x, around);
  if (scores === undefined) return undefined;
  const { a, b } = scores.product.operands;
  const [q, k] = [scaledOf(a, around), scaledOf(b, around)];
  const keys = scores.product.attrs.transpose_b ? k.x : turned(k.x, around);
  const queries = q.x;
  if (keys === undefined || queries.type.shape.length !== 4 || keys.type.shape.length !== 4) return undefined;
  const [k0, v0] = ungrouped(keys, node.operands.b, around);
  if (!fits(queries, k0, v0)) return undefined;
  const width = constantDim(queries.type.shape[3]!);
  const attrs = {
    causal: scores.causal,
    window: scores.window,
    softcap: shortest(scores.softcap),
    scale: scaleOf(scores.scale * q.by * k.by, width),
  };
  const mask = joinedMasks(scores.mask, queries, k0, around);
  return around.make.emit("attend", { q: queries, k: k0, v: v0, bias: scores.bias, mask }, attrs);
};

/** The softmax of a row; where exporters put zeros in the place of rows that see nothing, as lmg does, those are passed over. */
function softmaxOf(value: Value, around: Around): NodeOf<"softmax"> | undefined {
  const node = around.producer(value);
  if (node?.op === "softmax") {
    const { axis } = node.attrs;
    return axis === -1 || axis === value.type.shape.length - 1 ? node : undefined;
  }
  if (node?.op !== "where" || around.number(node.operands.x) !== 0) return undefined;
  const odd = around.producer(node.operands.condition);
  const isOdd = odd?.op === "ne" && odd.operands.x === odd.operands.y && odd.operands.x === node.operands.y;
  return isOdd ? softmaxOf(node.operands.y, around) : undefined;
}

const plainScores = {
  scale: 1,
  softcap: 0,
  bias: undefined,
  causal: false,
  window: undefined,
  mask: [],
  isFinite: false,
} as const;

function scoresOf(value: Value, around: Around): Scores | undefined {
  const node = around.producer(value);
  const [rows, columns] = value.type.shape.slice(-2);
  if (node?.op === "where") return hiddenScores(node, rows!, columns!, around);
  for (const [x, bias] of addends(value, around)) {
    const inner = scoresOf(x, around);
    if (inner === undefined || inner.softcap < 0) continue;
    const added = addedScores(inner, bias, rows!, columns!, around);
    if (added !== undefined) return added;
  }
  const { number, values } = factorsOf(value, around);
  const [only, ...others] = values;
  const made = only === undefined || others.length > 0 ? undefined : around.producer(only);
  if (made?.op === "matmul") return { ...plainScores, product: made, scale: number };
  if (made?.op !== "tanh") return undefined;
  // c · tanh(s / c)
  const inner = scoresOf(made.operands.x, around);
  const isPlain =
    inner?.bias === undefined && inner?.mask.length === 0 && !inner.causal && inner.softcap === 0;
  return inner !== undefined && isPlain && number > 0
    ? { ...inner, scale: inner.scale * number, softcap: number }
    : undefined;
}

/** where(mask, scores, -∞), or the other way round. */
function hiddenScores(node: NodeOf<"where">, rows: Dim, columns: Dim, around: Around): Scores | undefined {
  const { condition, x, y } = node.operands;
  const negated = isHidden(around.number(x));
  if (!negated && !isHidden(around.number(y))) return undefined;
  const inner = scoresOf(negated ? y : x, around);
  return (
    inner && withMask(inner, condition, negated, around.number(negated ? x : y)!, { rows, columns }, around)
  );
}

/** Scores of which a mask hides some: those of places by words, others by a mask. Undefined if a row could see nothing, and be another. */
function withMask(
  scores: Scores,
  mask: Value,
  negated: boolean,
  hidden: number,
  { rows, columns }: { readonly rows: Dim; readonly columns: Dim },
  around: Around,
): Scores | undefined {
  const seen = seenBy(mask, negated, rows, columns, around);
  // A row of -∞ has no softmax at all; one of finite numbers has the mean of all values, where lmg has zero.
  const isWhole = seen.rest.length === 0 && (!seen.causal || seesItself(rows, columns));
  const isFinite = hidden !== -Infinity || scores.isFinite;
  if (isFinite && (!isWhole || scores.mask.length > 0 || scores.bias !== undefined)) return undefined;
  if (seen.window !== undefined && scores.window !== undefined) return undefined;
  return {
    ...scores,
    causal: scores.causal || seen.causal,
    window: seen.window ?? scores.window,
    mask: [...scores.mask, ...seen.rest],
    isFinite,
  };
}

/** Scores to which something is added: where(mask, 0, -∞) hides, all else is a bias. */
function addedScores(
  scores: Scores,
  bias: Value,
  rows: Dim,
  columns: Dim,
  around: Around,
): Scores | undefined {
  const inner = stretched(bias, around);
  const node = around.producer(inner);
  if (node?.op === "where") {
    const { condition, x, y } = node.operands;
    const negated = around.number(y) === 0 && isHidden(around.number(x));
    const plain = around.number(x) === 0 && isHidden(around.number(y));
    const masked =
      negated || plain
        ? withMask(scores, condition, negated, around.number(negated ? x : y)!, { rows, columns }, around)
        : undefined;
    if (masked !== undefined) return masked;
  }
  const listed = hidingList(inner, around);
  const hidden = listed && withMask(scores, listed.mask, false, listed.hidden, { rows, columns }, around);
  if (hidden !== undefined) return hidden;
  if (scores.bias !== undefined || scores.isFinite) return undefined;
  if (!stretchesTo(bias, scores.product.results[0]!)) return undefined;
  return { ...scores, bias };
}

/** A mask of numbers that the file has, each 0 or the one that hides, as the truths that it is of. */
function hidingList(
  value: Value,
  around: Around,
): { readonly mask: Value; readonly hidden: number } | undefined {
  const node = around.producer(value);
  const tensor = around.tensor(node?.op === "reshape" ? node.operands.x : value);
  const values =
    node?.op === "constant" ? node.attrs.values : tensor && Array.from(elementsOf(tensor), Number);
  const hidden = values?.find((each) => each !== 0);
  if (values === undefined || !isHidden(hidden) || !values.every((each) => each === 0 || each === hidden))
    return undefined;
  const { shape } = value.type;
  const seen = values.map((each) => Number(each === 0));
  return { mask: around.make.emit("constant", {}, { dtype: "bool", shape, values: seen }), hidden: hidden! };
}

/** What a mask is before it is stretched to all heads. */
function stretched(value: Value, around: Around): Value {
  const node = around.producer(value);
  if (node?.op !== "broadcast") return value;
  const [wide, narrow] = [value.type.shape, node.operands.x.type.shape];
  return wide.length === narrow.length && sameShape(wide.slice(-2), narrow.slice(-2))
    ? stretched(node.operands.x, around)
    : value;
}

const stretchesTo = (value: Value, { type }: Value): boolean => {
  const shape = broadcastShapes(value.type.shape, type.shape);
  return shape !== undefined && sameShape(shape, type.shape);
};

/** kᵀ as k: with the last two axes in each other's places again. */
function turned(value: Value, around: Around): Value | undefined {
  const node = around.producer(value);
  if (node?.op !== "permute") return undefined;
  const { axes } = node.attrs;
  const back = [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!];
  const isSame = back.every((axis, at) => axis === at);
  return isSame ? node.operands.x : around.make.permute(node.operands.x, back);
}

/** Keys and values before each head was repeated for its group of queries. */
function ungrouped(k: Value, v: Value, around: Around): readonly [Value, Value] {
  const [keys, values] = [k, v].map((each) => beforeRepeat(each, around));
  const isBoth =
    keys !== undefined && values !== undefined && sameDim(keys.type.shape[1], values.type.shape[1]);
  return isBoth ? [keys, values] : [k, v];
}

/** reshape(broadcast(reshape(x, [B, G, 1, S, K]), [B, G, n, S, K]), [B, G · n, S, K]) => x. */
function beforeRepeat(value: Value, around: Around): Value | undefined {
  const view = around.producer(value);
  const repeated = view?.op === "reshape" ? around.producer(view.operands.x) : undefined;
  if (repeated?.op !== "broadcast") return undefined;
  const narrow = repeated.operands.x;
  const apart = around.producer(narrow);
  if (apart?.op !== "reshape" || narrow.type.shape.length !== 5) return undefined;
  const { x } = apart.operands;
  const [batch, groups, one, length, width] = narrow.type.shape;
  const isOne = constantDim(one!) === 1 && sameShape(x.type.shape, [batch!, groups!, length!, width!]);
  const [, g, n, ...last] = repeated.attrs.shape;
  const heads = value.type.shape[1]!;
  const isRepeat =
    sameDim(g, groups) && sameShape(last, [length!, width!]) && sameDim(multiplyDims(g!, n!), heads);
  return isOne && isRepeat ? x : undefined;
}

/** Whether the three are [B, H, T, K], [B, G, S, K] and [B, G, S, V]. */
function fits(q: Value, k: Value, v: Value): boolean {
  const [a, b, c] = [q, k, v].map(({ type }) => type.shape) as [
    readonly Dim[],
    readonly Dim[],
    readonly Dim[],
  ];
  return (
    sameDim(a[0], b[0]) &&
    sameDim(a[3], b[3]) &&
    sameShape(b.slice(0, 3), c.slice(0, 3)) &&
    divideDims(a[1]!, b[1]!) !== undefined
  );
}

/** One mask of several, of as many axes as scores have. */
function joinedMasks(masks: readonly Value[], q: Value, k: Value, around: Around): Value | undefined {
  const scores = [q.type.shape[0]!, q.type.shape[1]!, q.type.shape[2]!, k.type.shape[2]!];
  if (masks.length === 0) return undefined;
  const narrow = masks.map((mask) => unstretched(mask, scores, around));
  return narrow.reduce((x, y) => around.make.emit("and", { x, y }, {}));
}

function unstretched(mask: Value, scores: readonly Dim[], around: Around): Value {
  const node: Node | undefined = around.producer(mask);
  if (node?.op !== "broadcast" || node.operands.x.type.shape.length !== scores.length) return mask;
  return unstretched(node.operands.x, scores, around);
}

export const attentionRules: readonly Recognize[] = [attend];
