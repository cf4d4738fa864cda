import type { Node, Value } from "../../ir/graph.ts";
import { operandValues } from "../../ir/node.ts";
import { isScalarName } from "../../ops/scalar.ts";
import { hasTrait } from "../../ops/table.ts";
import { symbolsOf, type Dim } from "../../tensor/dim.ts";
import { Refused } from "../table.ts";

/** Whether a size grows with the text. */
export const grows = (size: Dim, positions: string): boolean => symbolsOf(size).has(positions);

const axesOf = ({ type }: Value, positions: string): readonly number[] =>
  type.shape.flatMap((size, axis) => (grows(size, positions) ? [axis] : []));

/**
 * Ends the export at a node that folds over positions or moves them: only attention may, whose keys and values a cache keeps. All
 * else must make each position of itself alone, so that a few new positions are what they are in the whole text.
 */
export function requireApart(node: Node, reached: ReadonlySet<Value>, positions: string): void {
  const read = operandValues(node).filter((value) => reached.has(value));
  if (read.length === 0) return;
  const misfit = (): never => {
    throw new Refused("cache", `${node.op} over positions`, node);
  };
  for (const value of [...read, ...node.results]) if (axesOf(value, positions).length > 1) misfit();
  if (node.op === "attend") {
    const { q, k, v } = node.operands;
    if (!node.attrs.causal || ![q, k, v].every((value) => reached.has(value))) misfit();
    return;
  }
  const alongRows = [
    "linear",
    "embedding",
    "rope",
    "residual",
    "dropout",
    "cast",
    "routed_linear",
    "permute",
    "reshape",
    "broadcast",
  ].includes(node.op);
  if (alongRows || isScalarName(node.op) || hasTrait(node.op, "row_norm")) return;
  const folded = foldedAxes(node);
  if (folded === undefined) return misfit();
  if (folded.some(([value, axis]) => axesOf(value, positions).includes(axis))) misfit();
}

/** The axes along which elements of an op's operands meet; undefined for ops that no text is read apart by. */
function foldedAxes(node: Node): readonly (readonly [Value, number])[] | undefined {
  const last = (value: Value): number => value.type.shape.length - 1;
  switch (node.op) {
    case "slice":
    case "softmax":
    case "log_softmax":
      return [[node.operands.x, node.attrs.axis]];
    case "concat":
      return node.operands.values.map((value) => [value, node.attrs.axis] as const);
    case "reduce_sum":
    case "reduce_mean":
    case "reduce_max":
    case "reduce_min":
      return node.attrs.axes.map((axis) => [node.operands.x, axis] as const);
    case "topk":
      return [[node.operands.x, last(node.operands.x)]];
    case "take":
      return [[node.operands.x, last(node.operands.x)]];
    case "spread":
      return [[node.operands.values, last(node.operands.values)]];
    case "matmul": {
      const { a, b } = node.operands;
      return [
        [a, last(a)],
        [b, last(b)],
        [b, last(b) - 1],
      ];
    }
    default:
      return undefined;
  }
}
