import type { EdgeRole, Graph, Node, NodeOf, Origin, Value } from "../ir/graph.ts";
import { makeNode, onlyResult } from "../ir/node.ts";
import type { Dtype } from "../tensor/dtype.ts";
import { invariant } from "../support/invariant.ts";
import { makeInPlace } from "./nodes.ts";
import type { Pass } from "./pass.ts";

/**
 * residual(s, b0, b1, …)  =>  add(mul(mul(s, source_gain), source_scale),
 *                                 mul(mul(add(add(b0, b1), …), branch_gain), branch_scale))
 */
export const lowerEdges = {
  name: "lower-edges",
  doc: "writes each residual edge as adds and muls, which remember the edge and the part that they play in it",
  run: (graph: Graph): Graph =>
    graph.nodes.some((node) => node.op === "residual")
      ? {
          ...graph,
          nodes: graph.nodes.flatMap((node) => (node.op === "residual" ? lowerEdge(node) : [node])),
        }
      : graph,
} satisfies Pass;

function lowerEdge(edge: NodeOf<"residual">): readonly Node[] {
  const { source, branches, source_gain, branch_gain } = edge.operands;
  const nodes: Node[] = [];
  const originOf = (role: EdgeRole): Origin => ({
    ...edge.origin,
    edges: [{ edge: edge.attrs.edge, role }],
  });
  const push = (node: Node): Value => {
    nodes.push(node);
    return onlyResult(node);
  };
  const scale = (x: Value, gain: Value | undefined, factor: number, role: EdgeRole): Value => {
    const origin = originOf(role);
    const gained = gain === undefined ? x : push(makeNode("mul", { x, y: gain }, {}, origin));
    if (factor === 1) return gained;
    const y = push(makeNode("full", {}, { dtype: scalarType(x), shape: [], value: factor }, origin));
    return push(makeNode("mul", { x: gained, y }, {}, origin));
  };
  const x = scale(source, source_gain, edge.attrs.source_scale, "skip");
  const [first, ...rest] = branches;
  invariant(first, "a residual edge has a branch");
  const sum = rest.reduce(
    (partial, branch) => push(makeNode("add", { x: partial, y: branch }, {}, originOf("branch"))),
    first,
  );
  const y = scale(sum, branch_gain, edge.attrs.branch_scale, "branch");
  return [...nodes, makeInPlace("add", { x, y }, {}, originOf("join"), edge.results)];
}

/** A scalar takes the dtype of the tensor beside it and is not rounded to it, as in PyTorch; a scalar beside it does not. */
const scalarType = ({ type }: Value): Dtype => (type.shape.length === 0 ? type.dtype : "f32");
