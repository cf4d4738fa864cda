import {
  makeInPlace,
  makeNode,
  mergeOrigins,
  numberOf,
  onlyResult,
  passes,
  removeDeadNodes,
  sameType,
  Uses,
  type Graph,
  type Node,
  type NodeOf,
  type Pass,
  type PassContext,
  type Report,
  type Value,
} from "lmg/ir";

/**
 * attend(q · c, k, v, scale: s)  =>  attend(q, k, v, scale: s · c), for a number c; what only moves q's elements may stand
 * between. The scores are the same but for rounding, and for a c that is a power of two to the bit. A `mul` on q alone
 * keeps its linear from being merged with those of k and v, so that it costs more than its own work.
 */
export const foldScale: Pass = {
  name: "fold-scale",
  doc: "lets attention's scale take the number that q is multiplied by, so that q, k and v are one product",
  run: (graph, context) => new Folding(graph, context).run(),
};

/** Ours, with this one before the linears are merged, while a `mul` is still a node. */
export const passesWithFoldScale: readonly Pass[] = passes.flatMap((pass) =>
  pass.name === "heads-last" ? [foldScale, pass] : [pass],
);

class Folding {
  readonly #graph: Graph;
  readonly #report: Report;
  readonly #uses: Uses;
  /** What values that are c · x are without c. */
  readonly #scaled = new Map<Value, Scaled>();
  #isChanged = false;

  constructor(graph: Graph, { report }: PassContext) {
    this.#graph = graph;
    this.#report = report;
    this.#uses = new Uses(graph);
  }

  run(): Graph {
    const nodes = this.#graph.nodes.flatMap((node) => this.#visit(node));
    return this.#isChanged ? removeDeadNodes({ ...this.#graph, nodes }) : this.#graph;
  }

  #visit(node: Node): readonly Node[] {
    if (node.op === "attend") return [this.#fold(node)];
    // Something else that reads it would still need the mul.
    if (this.#uses.soleUse(node.results[0]!) === undefined) return [node];
    if (node.op === "mul") this.#readMul(node);
    return node.op === "reshape" || node.op === "permute" ? this.#move(node) : [node];
  }

  #readMul(mul: NodeOf<"mul">): void {
    const result = onlyResult(mul);
    const { x, y } = mul.operands;
    for (const [plain, factor] of [
      [x, y],
      [y, x],
    ] as const) {
      const by = numberOf(this.#uses.producer(factor));
      if (by !== undefined && sameType(plain.type, result.type)) this.#scaled.set(result, { mul, by, plain });
    }
  }

  /** The same move of what is not scaled, a value of its own: one that stays must stay what it was. */
  #move(node: NodeOf<"reshape"> | NodeOf<"permute">): readonly Node[] {
    const scaled = this.#scaled.get(node.operands.x);
    if (scaled === undefined) return [node];
    const operands = { x: scaled.plain };
    const moved =
      node.op === "reshape"
        ? makeNode("reshape", operands, node.attrs, node.origin)
        : makeNode("permute", operands, node.attrs, node.origin);
    this.#scaled.set(onlyResult(node), { ...scaled, plain: onlyResult(moved) });
    return [node, moved];
  }

  #fold(attend: NodeOf<"attend">): Node {
    const scaled = this.#scaled.get(attend.operands.q);
    if (scaled === undefined) return attend;
    this.#isChanged = true;
    const operands = { ...attend.operands, q: scaled.plain };
    const scale = attend.attrs.scale * scaled.by;
    const origin = mergeOrigins([attend, scaled.mul]);
    const outcome = { kind: "fused", into: `attend (scale ${scale})` } as const;
    this.#report({ pass: foldScale.name, origin, edges: origin.edges, outcome });
    return makeInPlace("attend", operands, { ...attend.attrs, scale }, origin, attend.results);
  }
}

interface Scaled {
  readonly mul: NodeOf<"mul">;
  /** What it multiplies by. */
  readonly by: number;
  readonly plain: Value;
}
