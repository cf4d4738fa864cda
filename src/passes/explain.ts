import type { Edge, Graph } from "../ir/graph.ts";
import type { Remark } from "./pass.ts";

/** What became of one residual edge. */
export interface EdgeExplanation {
  readonly index: number;
  readonly edge: Edge;
  /** True if the add of the edge is part of an add_norm kernel, or of another kernel with more to do. */
  readonly joined: boolean;
  /** The kernels that the edge's add, gains and norms are part of, in the order of the passes. */
  readonly fused: readonly string[];
  /** What did not fuse, and why; a sentence each. */
  readonly refused: readonly string[];
}

/** The remarks of a compilation, edge by edge: what `lmg edges` prints. */
export function explainEdges(graph: Graph, remarks: readonly Remark[]): readonly EdgeExplanation[] {
  const byEdge = new Map<number, Remark[]>();
  for (const remark of remarks)
    for (const edge of new Set(remark.edges.map((part) => part.edge))) {
      const found = byEdge.get(edge);
      if (found === undefined) byEdge.set(edge, [remark]);
      else found.push(remark);
    }
  return graph.edges.map((edge, index) => {
    const found = byEdge.get(index) ?? [];
    return {
      index,
      edge,
      joined: found.some((remark) => remark.outcome.kind === "fused" && hasJoin(remark, index)),
      fused: unique(found.flatMap(({ outcome }) => (outcome.kind === "fused" ? [outcome.into] : []))),
      refused: unique(found.flatMap(({ outcome }) => (outcome.kind === "refused" ? [outcome.message] : []))),
    };
  });
}

const hasJoin = (remark: Remark, edge: number): boolean =>
  remark.edges.some((part) => part.edge === edge && part.role === "join");

const unique = (texts: readonly string[]): readonly string[] => [...new Set(texts)];
