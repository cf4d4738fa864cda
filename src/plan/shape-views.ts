import type { Node, NodeOf } from "../ir/graph.ts";
import { hasTrait, type OpWith } from "../ops/table.ts";
import { invariant } from "../support/invariant.ts";
import { isFloat, type Dtype } from "../tensor/dtype.ts";
import type { Shape, TensorType } from "../tensor/type.ts";
import type { KernelChoice } from "./select.ts";
import { broadcastView, permuteView, reshapeView, sliceView, type View } from "../kernels/view.ts";

/** A node that costs no step: its result is its operand seen otherwise, or as it is. */
export type ShapeNode = Extract<Node, { op: OpWith<"view"> }>;

export const isShapeNode = (node: Node): node is ShapeNode => hasTrait(node.op, "view");

/** The operand as the result of the node; undefined if a reshape cannot be said by strides. */
export function viewOfNode(node: ShapeNode, x: View): View | undefined {
  const type = node.results[0]!.type;
  switch (node.op) {
    case "reshape":
      return reshapeView(x, type);
    case "permute":
      return permuteView(x, node.attrs.axes, type);
    case "slice":
      return sliceView(x, node.attrs.axis, node.attrs.start, type);
    case "broadcast":
      return broadcastView(x, type);
    case "recompute":
      return x;
  }
}

/** Whether a cast changes no word: an element is an f32 or an i32 in memory whatever its dtype. */
export function isSameWord(from: Dtype, to: Dtype): boolean {
  if (isFloat(from) !== isFloat(to)) return false;
  return from === to || (isFloat(to) ? to === "f32" || to === "f64" : to !== "bool");
}

/**
 * The operand as the kernel walks it: what broadcasts is stretched to the shape of the walk, so that kernels know
 * broadcasting as a stride of 0 and nothing else.
 */
export function stretched(choice: KernelChoice, name: string, view: View, node: Node): View {
  const shape = walkedShape(choice, name, view, node);
  return shape === undefined ? view : broadcastView(view, { dtype: view.type.dtype, shape });
}

function walkedShape(choice: KernelChoice, name: string, view: View, node: Node): Shape | undefined {
  const result = node.results[0]?.type.shape;
  invariant(result !== undefined, `${node.op} has no result`);
  if (choice.op === "elementwise" || (choice.op === "add_norm" && isJoined(name))) return result;
  if (choice.op === "matmul") return [...result.slice(0, -2), ...view.type.shape.slice(-2)];
  if ((node.op === "attend" || node.op === "attend_grad") && (name === "bias" || name === "mask"))
    return scoresShape(node);
  if (node.op === "rope" && name === "positions") {
    const x = headsFirst(node.operands.x.type, node.attrs.layout);
    return [x[0]!, x[2]!];
  }
  return undefined;
}

const isJoined = (name: string): boolean => name === "source" || name === "branches";

/** [B, H, T, K] of a tensor that may lie as [B, T, H, K]. */
const headsFirst = ({ shape }: TensorType, layout: "heads_first" | "heads_last"): Shape =>
  layout === "heads_first" ? shape : [shape[0]!, shape[2]!, shape[1]!, shape[3]!];

/** [B, H, T, S]. */
function scoresShape({ operands: { q, k }, attrs: { layout } }: NodeOf<"attend" | "attend_grad">): Shape {
  return [...headsFirst(q.type, layout).slice(0, 3), headsFirst(k.type, layout)[2]!];
}
