import { float, int } from "./attributes.ts";
import { defineOp } from "./define.ts";
import { inferJoin } from "./infer/norm.ts";
import { evaluateJoin } from "./evaluate/norm.ts";
import { perElement } from "./flops.ts";

/** The residual edge: what makes a model of this compiler a graph with edges that can be listed. */
export const edgeOps = {
  residual: defineOp({
    stage: "edge",
    doc:
      "source_scale · source_gain · source + branch_scale · branch_gain · (b0 + b1 + …), the branches added first and in " +
      "order. `edge` is the index of the edge in the graph's table; the edge's norms are nodes of their own that name it",
    operands: { source: "one", branches: "many", source_gain: "optional", branch_gain: "optional" },
    attrs: { edge: int(), source_scale: float(1), branch_scale: float(1) },
    results: ["out"],
    infer: (operands) => inferJoin(operands),
    evaluate: (operands, attrs) => [evaluateJoin(operands, attrs)],
    flops: ({ branches, source_gain, branch_gain }, attrs, [out]) => {
      const gains = [source_gain, branch_gain].filter((gain) => gain !== undefined).length;
      const scales = [attrs.source_scale, attrs.branch_scale].filter((scale) => scale !== 1).length;
      return perElement(out!, branches.length + gains + scales);
    },
  }),
} as const;
