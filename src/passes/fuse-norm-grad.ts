import type { Node, NodeOf, Value } from "../ir/graph.ts";
import { onlyResult } from "../ir/node.ts";
import { sortNodes } from "../ir/walk.ts";
import { sameType } from "../tensor/type.ts";
import { makeInPlace, mergeOrigins } from "./nodes.ts";
import type { Pass } from "./pass.ts";
import { Uses } from "./uses.ts";

/**
 * add(norm_grad(g, x, w), c)  =>  norm_grad(g, x, w, carried: c): the backward of a fused add+norm. The sum of an edge has
 * two readers, the norm and the stream that goes on; both gradients meet in the kernel that has the row at hand.
 */
export const fuseNormGrad: Pass = {
  name: "fuse-norm-grad",
  doc: "adds what a residual stream carries back to the gradient of its norm in the norm's backward kernel",
  run: (graph) => {
    const uses = new Uses(graph);
    const taken = new Map<Node, Node>();
    const gone = new Set<Node>();
    const backwardOf = (value: Value): NodeOf<"norm_grad"> | undefined => {
      const node = uses.producer(value);
      if (node?.op !== "norm_grad" || node.operands.carried !== undefined) return undefined;
      // Through a weight that is computed, the gradient of the weight may be part of what is carried.
      const { weight } = node.operands;
      if (weight !== undefined && uses.producer(weight) !== undefined) return undefined;
      return node.results[0] === value && uses.soleUse(value) !== undefined ? node : undefined;
    };
    for (const node of graph.nodes) {
      if (node.op !== "add") continue;
      const { x, y } = node.operands;
      const sides = [
        { grad: x, carried: y },
        { grad: y, carried: x },
      ].filter(({ grad, carried }) => grad !== carried && sameType(grad.type, carried.type));
      const side = sides.find(({ grad }) => backwardOf(grad) !== undefined);
      if (side === undefined) continue;
      const backward = backwardOf(side.grad)!;
      const merged = makeInPlace(
        "norm_grad",
        { ...backward.operands, carried: side.carried },
        backward.attrs,
        mergeOrigins([backward, node]),
        [onlyResult(node), ...backward.results.slice(1)],
      );
      gone.add(backward);
      taken.set(node, merged);
    }
    if (gone.size === 0) return graph;
    const nodes = graph.nodes.flatMap((node) => (gone.has(node) ? [] : [taken.get(node) ?? node]));
    return { ...graph, nodes: sortNodes(nodes) };
  },
};
