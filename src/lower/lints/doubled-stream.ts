import type { Lint } from "./lint.ts";
import { joinsOf } from "./stack.ts";

/** An edge whose branch is the stream itself, with neither a norm nor a gain to tell the two apart. */
export const doubledStream: Lint = {
  code: "W305",
  find: ({ graph }) =>
    joinsOf(graph)
      .filter(({ node, edge, isGained }) => {
        const { source, branches } = node.operands;
        const isIdentity = branches.every((branch) => branch === source);
        const isBare = edge.norms.length === 0 && !isGained && edge.branches.every((label) => label === "");
        return edge.source === "stream" && isIdentity && isBare;
      })
      .map(({ node }) => ({
        spans: node.origin.spans,
        message: "this edge adds the stream to itself: it only doubles it",
        help: "write what the branch does into the braces",
      })),
};
