import type { Node, NodeOf, Value } from "../../../ir/graph.ts";
import { sameDim } from "../../../tensor/dim.ts";
import { shortest } from "../numbers.ts";
import type { Around, Recognize } from "../rewrite.ts";
import { plusNumber } from "./factors.ts";

/** x / d or x · 1/d: what is divided, and √ of what. */
function byRoot(node: Node, around: Around): readonly (readonly [Value, Value])[] {
  if (node.op === "div") {
    const root = around.producer(node.operands.y);
    return root?.op === "sqrt" ? [[node.operands.x, root.operands.x]] : [];
  }
  if (node.op !== "mul") return [];
  const { x, y } = node.operands;
  return (
    [
      [x, y],
      [y, x],
    ] as const
  ).flatMap(([a, b]) => {
    const root = around.producer(b);
    return root?.op === "rsqrt" ? [[a, root.operands.x] as const] : [];
  });
}

/** The mean of squares over the last axis, which keeps it. */
function meanSquare(value: Value, around: Around): Value | undefined {
  const mean = lastMean(value, around);
  const square = mean && around.producer(mean);
  if (square?.op === "square") return square.operands.x;
  return square?.op === "mul" && square.operands.x === square.operands.y ? square.operands.x : undefined;
}

function lastMean(value: Value, around: Around): Value | undefined {
  const node = around.producer(value);
  if (node?.op !== "reduce_mean" || !node.attrs.keep) return undefined;
  const { x } = node.operands;
  return node.attrs.axes.length === 1 && node.attrs.axes[0] === x.type.shape.length - 1 ? x : undefined;
}

/** d / √(mean(d²) + eps) => rms_norm(d), and of d = x - mean(x) => layer_norm(x). */
const norm: Recognize = (node, around) => {
  for (const [centred, variance] of byRoot(node, around)) {
    const sum = plusNumber(variance, around);
    if (sum === undefined || sum.plus < 0 || meanSquare(sum.x, around) !== centred) continue;
    const eps = shortest(sum.plus);
    const difference = around.producer(centred);
    const mean = difference?.op === "sub" ? lastMean(difference.operands.y, around) : undefined;
    if (difference?.op === "sub" && mean === difference.operands.x)
      return around.make.emit("layer_norm", { x: mean, weight: undefined, bias: undefined }, { eps });
    return around.make.emit("rms_norm", { x: centred, weight: undefined, bias: undefined }, { eps });
  }
  return undefined;
};

type Norm = NodeOf<"layer_norm"> | NodeOf<"rms_norm">;

const isNorm = (node: Node | undefined): node is Norm => node?.op === "layer_norm" || node?.op === "rms_norm";

/** A vector of the row that is learned. */
const isVector = (value: Value, x: Value, around: Around): boolean =>
  around.isLearned(value) &&
  value.type.shape.length === 1 &&
  sameDim(value.type.shape[0], x.type.shape.at(-1));

/** norm(x) · w => norm(x, w); norm(x, w) + b => norm(x, w, b). */
const affine: Recognize = (node, around) => {
  if (node.op !== "mul" && node.op !== "add") return undefined;
  for (const [x, vector] of [
    [node.operands.x, node.operands.y],
    [node.operands.y, node.operands.x],
  ] as const) {
    const inner = around.producer(x);
    if (!isNorm(inner) || !isVector(vector, inner.operands.x, around)) continue;
    const { weight, bias } = inner.operands;
    if (bias !== undefined || (node.op === "mul" && weight !== undefined)) continue;
    // A shift of a norm without a gain is an add like any other.
    if (node.op === "add" && weight === undefined) continue;
    const operands =
      node.op === "mul" ? { ...inner.operands, weight: vector } : { ...inner.operands, bias: vector };
    return inner.op === "layer_norm"
      ? around.make.emit("layer_norm", operands, inner.attrs)
      : around.make.emit("rms_norm", operands, inner.attrs);
  }
  return undefined;
};

/** rms_norm(x, 1 + w) => rms_norm(x, w) with the offset. */
const unitOffset: Recognize = (node, around) => {
  if (node.op !== "rms_norm" || node.operands.weight === undefined || node.attrs.unit_offset)
    return undefined;
  const sum = plusNumber(node.operands.weight, around);
  if (sum?.plus !== 1) return undefined;
  return around.make.emit(
    "rms_norm",
    { ...node.operands, weight: sum.x },
    { ...node.attrs, unit_offset: true },
  );
};

/** x / max(√Σx², eps) => l2_norm(x). */
const l2Norm: Recognize = (node, around) => {
  if (node.op !== "div") return undefined;
  const largest = around.producer(node.operands.y);
  if (largest?.op !== "max") return undefined;
  const { x, y } = largest.operands;
  const eps = around.number(y);
  const root = around.producer(x);
  const sum = root?.op === "sqrt" ? around.producer(root.operands.x) : undefined;
  if (eps === undefined || sum?.op !== "reduce_sum" || !sum.attrs.keep) return undefined;
  const square = around.producer(sum.operands.x);
  const isRow = sum.attrs.axes.length === 1 && sum.attrs.axes[0] === sum.operands.x.type.shape.length - 1;
  if (!isRow || square?.op !== "square" || square.operands.x !== node.operands.x) return undefined;
  return around.make.emit("l2_norm", { x: node.operands.x }, { eps: shortest(eps) });
};

export const normRules: readonly Recognize[] = [norm, affine, unitOffset, l2Norm];
