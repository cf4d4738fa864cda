import { formulaOf } from "../../src/editor/hover.ts";
import type { EdgeExplanation } from "../../src/passes/explain.ts";
import type { EdgeRow } from "../../src/report/edges.ts";
import { edgeRows } from "../../src/report/edge-rows.ts";
import { foldRows } from "../../src/report/folding.ts";

/** A residual edge, or one in each iteration of a repeat. */
export interface ShownEdge extends EdgeRow {
  /** `y = x + f(N(x))` */
  readonly formula: string;
}

export function edgesOf(edges: readonly EdgeExplanation[]): readonly ShownEdge[] {
  const rows = edgeRows(edges, { all: true }).map((row, index) => {
    const { edge } = edges[index]!;
    return { row: { ...row, formula: formulaOf({ kind: "edge", edge }) }, scope: edge.scope };
  });
  return foldRows(rows).map(({ row, repeats }) => ({ ...row, repeats }));
}
