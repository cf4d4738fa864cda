import type { Graph, Node, NodeOf, Value } from "../ir/graph.ts";
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
  run: (graph) => new Carrying(graph).run(),
};

class Carrying {
  readonly #graph: Graph;
  readonly #uses: Uses;
  /** The kernel in the place of an add. */
  readonly #kernels = new Map<Node, Node>();
  /** Backwards that a kernel has taken over. */
  readonly #taken = new Set<Node>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#uses = new Uses(graph);
  }

  run(): Graph {
    for (const node of this.#graph.nodes) if (node.op === "add") this.#fuse(node);
    if (this.#taken.size === 0) return this.#graph;
    const nodes = this.#graph.nodes.flatMap((node) =>
      this.#taken.has(node) ? [] : [this.#kernels.get(node) ?? node],
    );
    return { ...this.#graph, nodes: sortNodes(nodes) };
  }

  #fuse(add: NodeOf<"add">): void {
    const { x, y } = add.operands;
    const sides = [
      { backward: this.#backwardOf(x), grad: x, carried: y },
      { backward: this.#backwardOf(y), grad: y, carried: x },
    ];
    for (const { backward, grad, carried } of sides) {
      if (backward === undefined || grad === carried || !sameType(grad.type, carried.type)) continue;
      const kernel = makeInPlace(
        "norm_grad",
        { ...backward.operands, carried },
        backward.attrs,
        mergeOrigins([backward, add]),
        [onlyResult(add), ...backward.results.slice(1)],
      );
      this.#taken.add(backward);
      this.#kernels.set(add, kernel);
      return;
    }
  }

  /** The backward of a norm that makes a value for one reader. */
  #backwardOf(value: Value): NodeOf<"norm_grad"> | undefined {
    const node = this.#uses.producer(value);
    if (node?.op !== "norm_grad" || node.operands.carried !== undefined) return undefined;
    // Through a weight that is computed, the gradient of the weight may be part of what is carried.
    const { weight } = node.operands;
    if (weight !== undefined && this.#uses.producer(weight) !== undefined) return undefined;
    return node.results[0] === value && this.#uses.soleUse(value) !== undefined ? node : undefined;
  }
}
